"""Uploads as clients sent them: the dump and the attachments as objects, and ``upload.json`` that lists them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cairn.intake.upload import UPLOAD_VERSION, Attachment, Upload
from cairn.store.aws import Clients
from cairn.store.errors import UnreadableError
from cairn.store.objects import Objects
from cairn.store.settings import Settings

PREFIX = "crashes/"
DUMP = "dump"
MANIFEST = "upload.json"
MANIFEST_LIMIT = 32 * 1024 * 1024
"""Bytes of an ``upload.json``: its event payload is at most what intake lets through."""


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file of a stored upload: ``key`` is its object, the rest is as sent."""

    key: str
    name: str
    content_type: str
    kind: str
    size: int


@dataclass(frozen=True, slots=True)
class StoredUpload:
    """An upload as ``upload.json`` tells it. ``key`` is the key of that file, ``received`` Unix seconds,
    ``attachments`` are all files but the dump."""

    key: str
    event_id: str
    project_id: int
    received: float
    dump: StoredFile | None
    attachments: tuple[StoredFile, ...]
    event: Mapping[str, Any] = field(default_factory=dict)
    client: str | None = None

    @property
    def dump_key(self) -> str | None:
        """The dump's object."""
        return self.dump.key if self.dump else None


class Uploads:
    """Uploads under ``crashes/<project>/<YYYY-MM-DD>/<event id>/``: ``dump``, ``attachment-<n>`` from 0, and at last
    ``upload.json``. The day is that of ``received``, in UTC.

    Objects are never replaced: of two uploads with one event id on a day the first wins, file by file, and an upload
    that broke off is completed by the next try. ``put`` only writes, so that ingest needs no right to read dumps.
    """

    def __init__(self, settings: Settings, clients: Clients) -> None:
        self._objects = Objects(clients, settings.bucket)

    def put(self, upload: Upload) -> str:
        """Store an upload, and answer the key of its ``upload.json``. When this returns, all of it is in S3.
        Contents must be seekable; they are read from their start, so the call can be repeated."""
        self.put_new(upload)
        return folder_of(upload) + MANIFEST

    def put_new(self, upload: Upload) -> bool:
        """Store an upload as ``put`` does; ``False`` when it was there already, as a whole."""
        folder = folder_of(upload)
        dump = upload.dump
        others = [attachment for attachment in upload.attachments if attachment is not dump]
        stored_dump = self._put_file(folder + DUMP, dump) if dump else None
        stored = [self._put_file(f"{folder}attachment-{n}", attachment) for n, attachment in enumerate(others)]
        manifest = {
            "version": UPLOAD_VERSION,
            "event_id": upload.event_id,
            "project_id": upload.project_id,
            "received": upload.received,
            "client": upload.client,
            "dump": asdict(stored_dump) if stored_dump else None,
            "attachments": [asdict(attachment) for attachment in stored],
            "event": upload.event,
        }
        return self._objects.put_new(folder + MANIFEST, json.dumps(manifest).encode(), "application/json")

    def get(self, key: str) -> StoredUpload | None:
        """The upload whose ``upload.json`` has this key; ``None`` when it is not there (any more). Raises
        ``UnreadableError``: ``upload_too_new`` when a newer Cairn wrote it, ``upload_malformed`` when it is not what
        Cairn writes."""
        content = self._objects.read(key, MANIFEST_LIMIT)
        return None if content is None else parse_manifest(key, content)

    def read(self, key: str, limit: int) -> bytes | None:
        """A dump or attachment by its key; ``None`` when it is not there (any more). Raises ``UnreadableError``
        (``object_too_large``) above ``limit`` bytes."""
        return self._objects.read(key, limit)

    def download(self, key: str, path: Path) -> bool:
        """Write a dump or attachment to a file; ``False`` when it is not there (any more)."""
        return self._objects.download(key, path)

    def _put_file(self, key: str, file: Attachment) -> StoredFile:
        self._objects.put_new_stream(key, file.content, file.size)
        return StoredFile(key, file.name, file.content_type, file.kind, file.size)


def folder_of(upload: Upload) -> str:
    """Where the objects of an upload lie, with a slash at the end."""
    return event_folder(upload.project_id, upload.received, upload.event_id)


def event_folder(project_id: int, received: float, event_id: str) -> str:
    """Where the objects lie that came for an event on a day, with a slash at the end."""
    day = datetime.fromtimestamp(received, UTC).date().isoformat()
    return f"{PREFIX}{project_id}/{day}/{event_id}/"


def parse_manifest(key: str, content: bytes) -> StoredUpload:
    """What an ``upload.json`` says; fields that are not known are passed over. Raises as ``Uploads.get``."""
    try:
        manifest = json.loads(content)
        version = manifest["version"]
        if isinstance(version, int) and version > UPLOAD_VERSION:
            raise UnreadableError(
                "upload_too_new",
                f"{key} has version {version}, and this Cairn reads up to {UPLOAD_VERSION}: deploy the newer one",
            )
        return StoredUpload(
            key=key,
            event_id=manifest["event_id"],
            project_id=manifest["project_id"],
            received=manifest["received"],
            dump=stored_file(manifest["dump"]) if manifest.get("dump") else None,
            attachments=tuple(stored_file(attachment) for attachment in manifest.get("attachments", ())),
            event=manifest.get("event") or {},
            client=manifest.get("client"),
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UnreadableError("upload_malformed", f"{key} is not an upload that Cairn wrote: {error!r}") from error


def stored_file(entry: Mapping[str, Any]) -> StoredFile:
    """A file's entry in ``upload.json``."""
    return StoredFile(entry["key"], entry["name"], entry["content_type"], entry["kind"], entry["size"])
