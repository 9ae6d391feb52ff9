"""How a client is told where to send crashes, and how it understands that."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlsplit

from cairn.store.projects import ClientKey
from cairn_cli.errors import CliError

UPLOAD_URL = re.compile(r"(https?)://([^/?#@]+(?:/[^?#]*)?)/api/([0-9]{1,20})/(?:minidump/?)?")
KEY = re.compile(r"[!-9;-?A-~]{32}")
DSN = re.compile(r"(https?)://([!-9;-?A-~]{32})(?::[^@/]*)?@([^/@]+(?:/[^?#]*)?)/([0-9]{1,20})/?")


@dataclass(frozen=True, slots=True)
class Dsn:
    """A DSN in its parts: ``url`` is where Cairn is, without a slash at the end."""

    url: str
    key: str
    project: int


def parse_dsn(text: str) -> Dsn:
    """The parts of ``https://<key>@<host>/<project>``. Raises ``CliError``."""
    match = DSN.fullmatch(text.strip())
    if match is None:
        raise CliError("the DSN cannot be read", "it is https://<32 characters>@<host>/<project>: copy it as a whole")
    scheme, key, place, project = match.groups()
    return Dsn(f"{scheme}://{place}", key, int(project))


def parse_minidump_url(text: str, key: str | None = None) -> Dsn:
    """The parts of ``https://<host>/api/<project>/minidump/?sentry_key=<key>``, as curl and Crashpad have it; ``key``
    counts before that of the address. Raises ``CliError``."""
    address, _, query = text.strip().partition("?")
    match = UPLOAD_URL.fullmatch(address)
    if match is None:
        raise CliError("the URL cannot be read", "it is https://HOST/api/PROJECT/minidump/?sentry_key=KEY")
    found = key or dict(parse_qsl(query)).get("sentry_key")
    if not found:
        raise CliError(
            "the URL has no key", "give --key KEY, or ?sentry_key=KEY in the URL; `cairn keys list` shows keys"
        )
    if not KEY.fullmatch(found):
        raise CliError("the key cannot be read", "it has 32 characters: copy it as a whole")
    scheme, place, project = match.groups()
    return Dsn(f"{scheme}://{place}", found, int(project))


def dsn(url: str, key: ClientKey) -> str:
    """The DSN for SDKs: ``https://<key>@<host>/<project>``."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{key.public_key}@{parts.netloc}{parts.path.rstrip('/')}/{key.project_id}"


def minidump_url(url: str, key: ClientKey) -> str:
    """The URL for Crashpad, Breakpad, Electron and curl."""
    return f"{url.rstrip('/')}/api/{key.project_id}/minidump/?sentry_key={key.public_key}"
