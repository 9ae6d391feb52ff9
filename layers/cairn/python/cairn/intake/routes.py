"""Paths that intake serves."""

from __future__ import annotations

import re

from cairn.intake.errors import BadProjectError, NoSuchRouteError, WrongMethodError

MINIDUMP = re.compile(r"/api/([^/]*)/minidump/?")
PROJECT = re.compile(r"[0-9]{1,20}")
LARGEST_PROJECT = 2**64 - 1


def minidump_project(method: str, path: str) -> int:
    """The project of ``POST /api/<project>/minidump[/]``; repeated slashes count as one.

    Raises ``NoSuchRouteError``, ``WrongMethodError`` or ``BadProjectError``.
    """
    match = MINIDUMP.fullmatch(re.sub("/+", "/", path))
    if match is None:
        raise NoSuchRouteError("crashes are sent to /api/<project>/minidump/")
    if method != "POST":
        raise WrongMethodError("send the crash with POST")
    return project_id(match[1])


def project_id(text: str) -> int:
    """A project's number. Raises ``BadProjectError`` when it is not an unsigned number of 64 bits."""
    if not PROJECT.fullmatch(text) or int(text) > LARGEST_PROJECT:
        raise BadProjectError("the project in the path must be a number, as in the DSN: /api/42/minidump/")
    return int(text)
