"""Sentry's older way to upload: a zip of debug files, or one of them, as ``file`` of a form (sentry:
src/sentry/api/endpoints/debug_files.py). It is for tools that know no chunks, and for curl.

The file goes on as one of a single chunk, and the request waits for what becomes of it.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from cairn.store.symbols.chunks import CHUNK_SIZE, Chunks
from cairn.web.assemble import AssembleCall
from cairn.web.chunk_upload import SHA1, form_files
from cairn.web.dif import dif_of
from cairn.web.errors import BadRequestError, TooLargeError

PATIENCE = 20
"""Seconds that a request waits: the gateway gives up after thirty."""

PAUSE = 0.5

TOO_LARGE = (
    f"a file of a form may have {CHUNK_SIZE} bytes here: send larger ones with `sentry-cli debug-files upload`, which "
    "sends them in chunks, or with `cairn upload-debug-files`"
)


@dataclass(frozen=True, slots=True)
class FormUpload:
    """What the upload needs."""

    chunks: Chunks
    assemble: AssembleCall
    sleep: Callable[[float], None] = time.sleep
    patience: float = PATIENCE

    def answer(self, body: bytes, content_type: str) -> tuple[int, list[dict[str, Any]]]:
        """The status and the debug files that came of a form: 201, or 202 with none when they are not compiled yet.
        Sending it again does no harm, and tells more. Raises ``BadRequestError`` when nothing came of it, and
        ``TooLargeError``."""
        name, content = file_of(body, content_type)
        sha1 = hashlib.sha1(content, usedforsecurity=False).hexdigest()
        self.chunks.put({sha1: content})
        request = {sha1: {"name": name, "chunks": [sha1]}}
        deadline = time.monotonic() + self.patience
        while (state := self.assemble.answer(request)[sha1])["state"] == "assembling":
            if time.monotonic() > deadline:
                return 202, []
            self.sleep(PAUSE)
        record = self.assemble.outcome(sha1)
        if record is None or not record.entries:
            raise BadRequestError(state["detail"] or "the file cannot be used")
        return 201, [dif_of(entry, entry.debug_file_size) for entry in record.entries]

    def unknown(self, checksums: str) -> dict[str, list[str]]:
        """Which of the files with these SHA-1s, joined by commas, are to be sent. Raises ``BadRequestError``."""
        wanted = list(dict.fromkeys(filter(None, checksums.split(","))))
        if not all(map(SHA1.fullmatch, wanted)):
            raise BadRequestError("checksums are SHA-1s in hex")
        return {"missing": [sha1 for sha1 in wanted if self.assemble.outcome(sha1) is None]}


def file_of(body: bytes, content_type: str) -> tuple[str, bytes]:
    """Name and content of the form's ``file``. Raises ``BadRequestError`` and ``TooLargeError``."""
    found = [(name, content) for field, name, content in form_files(body, content_type) if field == "file"]
    if not found:
        raise BadRequestError("Missing uploaded file: send a zip of debug files as the field `file` of a form")
    name, content = found[0]
    if len(content) > CHUNK_SIZE:
        raise TooLargeError(TOO_LARGE)
    return name or "upload", content
