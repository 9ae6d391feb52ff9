"""Sentry's chunk upload: what the server takes, and chunks out of a form.

Each part is a chunk, its file name the SHA-1 of its content: plain in a field ``file``, compressed in ``file_gzip``. A
``Content-Encoding: gzip`` of the request says that the ``file`` parts are compressed, each by itself (sentry:
src/sentry/api/endpoints/chunk.py, whose words for what is wrong are used here).
"""

from __future__ import annotations

import hashlib
import re
import zlib
from typing import Any

from multipart import (  # type: ignore[import-untyped]
    MultipartError,
    MultipartSegment,
    PushMultipartParser,
    parse_options_header,
)

from cairn.store.symbols.chunks import CHUNK_SIZE
from cairn.store.symbols.debug_files import LARGEST_FILE
from cairn.web.errors import BadRequestError

CHUNKS_PER_REQUEST = 64
CONCURRENCY = 8
SHA1 = re.compile(r"[0-9a-f]{40}")
GZIP = 16 + zlib.MAX_WBITS
"""Makes zlib expect gzip's header."""

ACCEPTED = ("debug_files", "pdbs", "portablepdbs", "sources")
"""Kinds that sentry-cli 2 sends only when they are listed; 3 sends all it finds."""


def upload_options(url: str) -> dict[str, Any]:
    """What sentry-cli asks for before it uploads. ``url`` is where chunks go, absolute: all its versions take that."""
    return {
        "url": url,
        "chunkSize": CHUNK_SIZE,
        "chunksPerRequest": CHUNKS_PER_REQUEST,
        "maxRequestSize": CHUNK_SIZE,
        "maxFileSize": LARGEST_FILE,
        "concurrency": CONCURRENCY,
        "hashAlgorithm": "sha1",
        "compression": ["gzip"],
        "accept": list(ACCEPTED),
    }


def read_chunks(body: bytes, content_type: str, encoding: str) -> dict[str, bytes]:
    """The chunks in a form by their SHA-1, uncompressed and checked. ``encoding`` is the ``Content-Encoding``.

    Raises ``BadRequestError``.
    """
    if encoding not in ("", "gzip"):
        raise BadRequestError("Unsupported Content-Encoding")
    chunks: dict[str, bytes] = {}
    for number, (field, name, content) in enumerate(form_files(body, content_type), 1):
        if number > CHUNKS_PER_REQUEST:
            raise BadRequestError("Too many chunks")
        if encoding and field == "file_gzip":
            raise BadRequestError("Cannot combine Content-Encoding with file_gzip field")
        is_compressed = field == "file_gzip" or encoding == "gzip"
        chunks[name] = _checked(name, _gunzipped(content) if is_compressed else content)
        if sum(map(len, chunks.values())) > CHUNK_SIZE:
            raise BadRequestError("Request too large")
    if not chunks:
        raise BadRequestError("the form has no chunks: send them as fields file_gzip or file")
    return chunks


def form_files(body: bytes, content_type: str) -> list[tuple[str, str, bytes]]:
    """Field, file name and content of a form's parts ``file`` and ``file_gzip``. Raises ``BadRequestError``."""
    media_type, options = parse_options_header(content_type)
    if media_type != "multipart/form-data" or not options.get("boundary"):
        raise BadRequestError("the request is no form: send files as multipart/form-data")
    parts: list[tuple[MultipartSegment, list[bytes]]] = []
    try:
        with PushMultipartParser(options["boundary"], max_segment_count=4 * CHUNKS_PER_REQUEST) as parser:
            for event in parser.parse(body):
                if isinstance(event, MultipartSegment):
                    parts.append((event, []))
                elif event:
                    parts[-1][1].append(bytes(event))
    except (MultipartError, UnicodeError) as error:
        raise BadRequestError(f"the form cannot be read: {error}") from error
    return [(s.name, s.filename or "", b"".join(data)) for s, data in parts if s.name in ("file", "file_gzip")]


def _gunzipped(content: bytes) -> bytes:
    reader = zlib.decompressobj(GZIP)
    try:
        chunk = reader.decompress(content, CHUNK_SIZE + 1)
    except zlib.error as error:
        raise BadRequestError(f"Invalid gzip payload: {error}") from error
    if len(chunk) <= CHUNK_SIZE and not reader.eof:
        raise BadRequestError("Invalid gzip payload: it breaks off")
    return chunk


def _checked(name: str, chunk: bytes) -> bytes:
    if len(chunk) > CHUNK_SIZE:
        raise BadRequestError("Chunk size too large")
    if not SHA1.fullmatch(name):
        raise BadRequestError(f"a chunk's file name must be its SHA-1 in hex, and is {name[:60]!r}")
    found = hashlib.sha1(chunk, usedforsecurity=False).hexdigest()
    if found != name:
        raise BadRequestError(f"Checksum mismatch: the chunk called {name} has the SHA-1 {found}")
    return chunk
