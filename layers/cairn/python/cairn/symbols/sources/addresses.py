"""Addresses that people give for their symbol servers."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from cairn.symbols.sources.records import Layout

URL_LIMIT = 1000
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,39}")
_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_VISIBLE = re.compile(r"[!-~]+")


class SourceError(ValueError):
    """A source cannot be as it is given; the text says what is wrong and what to do."""


def checked_name(name: str) -> str:
    """The name of a source. Raises ``SourceError``."""
    if not _NAME.fullmatch(name):
        raise SourceError(f"{name!r} is no name for a source: up to 40 of a-z, 0-9, '.', '_' and '-'")
    return name


def checked_url(url: str, layout: Layout) -> str:
    """The address of a source without what it need not have: slashes at its end, and the ``/buildid`` that Symbolicator
    wants in the address of a debuginfod server. Raises ``SourceError``."""
    if len(url) > URL_LIMIT or not _VISIBLE.fullmatch(url):
        raise SourceError(f"the address must be up to {URL_LIMIT} visible ASCII characters")
    problem = _problem(url)
    if problem:
        raise SourceError(f"{_without_password(url)}: {problem}")
    short = url.rstrip("/")
    return short.removesuffix("/buildid") if layout is Layout.DEBUGINFOD else short


def _without_password(url: str) -> str:
    scheme, slashes, rest = url.partition("://")
    return f"{scheme}{slashes}…@{rest.rpartition('@')[2]}" if "@" in rest else url


def _problem(url: str) -> str | None:
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018 - raises for what is no port
    except ValueError as error:
        return str(error)
    if parts.scheme not in ("http", "https", "s3"):
        return "the address must begin with https://, http:// or s3://"
    if parts.query or parts.fragment:
        return "the address must not have a query or a fragment"
    if parts.username is not None or parts.password is not None:
        return "leave the user and the password out of the address: --user NAME asks for the password"
    if parts.scheme == "s3":
        return None if _BUCKET.fullmatch(parts.netloc) else "s3://BUCKET/PREFIX needs the name of a bucket"
    return None if parts.hostname else "the address has no host"
