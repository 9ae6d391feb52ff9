"""The way in for uploads in steps, as a client sees it: begin, ask what is missing, put parts, commit."""

from __future__ import annotations

import base64
import json
import time
import urllib.error
import urllib.request
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from cairn_cli.dsn import Dsn
from cairn_cli.errors import CliError

TRIES = 4
"""How often a step is tried while the line or the service is down."""
TIMEOUT = 60
"""Seconds without a byte."""
GONE = "upload not found"
BAD_DIGEST = b"<Code>BadDigest</Code>"
"""In S3's answer to a part whose checksum is another."""
ERROR_LIMIT = 4096


@dataclass(frozen=True, slots=True)
class Part:
    """A part that is missing: ``size`` bytes from ``offset`` of the file with that index, to be put at ``url``."""

    file: int
    number: int
    offset: int
    size: int
    url: str


@dataclass(frozen=True, slots=True)
class Upload:
    """An upload that was begun: how many bytes are there, and the next parts that are not."""

    id: str
    event_id: str
    received: int
    parts: tuple[Part, ...]


class RefusedError(CliError):
    """Cairn does not take what was sent; ``status`` is its HTTP status, ``detail`` its word for it."""

    def __init__(self, status: int, detail: str, causes: Iterable[str]) -> None:
        super().__init__(f"{status} {detail}: {'; '.join(causes)}" if causes else f"{status} {detail}")
        self.status = status
        self.detail = detail


class Door:
    """The way in of the project that a DSN names."""

    def __init__(self, dsn: Dsn) -> None:
        self.url = f"{dsn.url}/api/{dsn.project}/minidump/uploads/"
        self._headers = {"X-Sentry-Auth": f"Sentry sentry_key={dsn.key}, sentry_version=7, sentry_client=cairn-submit"}
        local = urlsplit(dsn.url).hostname in ("127.0.0.1", "::1", "localhost")
        self._opener = urllib.request.build_opener(*([urllib.request.ProxyHandler({})] if local else []))

    def begin(self, announcement: Mapping[str, Any]) -> Upload:
        """Announce a crash with its files. Raises ``CliError``."""
        return upload_of(self._post("", announcement))

    def go_on(self, upload_id: str) -> Upload | None:
        """What is missing of an upload; ``None`` when there is none (any more). Raises ``CliError``."""
        try:
            return upload_of(self._post(f"{upload_id}/"))
        except RefusedError as refused:
            if refused.detail != GONE:
                raise
            return None

    def commit(self, upload_id: str) -> str:
        """Say that all is there; answers the event's id. Raises ``CliError``."""
        return str(self._post(f"{upload_id}/commit/")["id"])

    def put(self, part: Part, content: Iterable[bytes], md5: bytes) -> None:
        """Send a part. S3 takes it only when what arrives has this MD5. Raises ``OSError`` when it was not taken;
        ``urllib.error.HTTPError`` is one."""
        headers = {
            "Content-Length": str(part.size),
            "Content-Type": "application/octet-stream",
            "Content-MD5": base64.b64encode(md5).decode(),
        }
        request = urllib.request.Request(part.url, content, headers, method="PUT")  # noqa: S310 - it is Cairn's answer
        try:
            self._opener.open(request, timeout=TIMEOUT).close()
        except urllib.error.HTTPError as error:
            if BAD_DIGEST in error.read(ERROR_LIMIT):
                raise OSError("what arrived is not what was sent: something on the way changes it") from error
            raise

    def _post(self, path: str, body: Mapping[str, Any] | None = None) -> Any:
        headers = {**self._headers, "Content-Type": "application/json"}
        request = urllib.request.Request(self.url + path, json.dumps(body or {}).encode(), headers, method="POST")  # noqa: S310
        for tried in range(1, TRIES + 1):
            try:
                with self._opener.open(request, timeout=TIMEOUT) as answer:
                    return json.loads(answer.read())
            except urllib.error.HTTPError as error:
                if error.code < 500 or tried == TRIES:
                    raise refusal(error) from error
            except (OSError, ValueError) as error:
                if tried == TRIES:
                    raise CliError(f"{self.url} does not answer: {error}", "check the DSN and the line") from error
            time.sleep(2 ** (tried - 2))
        raise AssertionError("unreachable")


def upload_of(answer: Mapping[str, Any]) -> Upload:
    """The upload that an answer tells of."""
    parts = tuple(Part(**part) for part in answer["parts"])
    return Upload(answer["id"], answer["event_id"], answer["received"], parts)


def refusal(error: urllib.error.HTTPError) -> RefusedError:
    """What an answer with an error says: Cairn's own form, or a platform's ``message``."""
    try:
        said = json.loads(error.read())
    except (OSError, ValueError):
        said = {}
    said = said if isinstance(said, dict) else {}
    return RefusedError(
        error.code, str(said.get("detail") or said.get("message") or error.reason), said.get("causes", ())
    )
