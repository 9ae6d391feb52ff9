"""Uploads as clients sent them: the dump and the attachments as objects, and ``upload.json`` that lists them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path
from typing import Any

from cairn.intake.upload import UPLOAD_VERSION, Attachment, Upload
from cairn.store.aws import Clients
from cairn.store.errors import RefusedError, UnreadableError
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
    ``attachments`` are all files but the dump. ``public_key`` is empty in uploads of an older Cairn. ``scrubbed`` is
    that of ``Upload``, ``tag`` tells this ``upload.json`` from a later one by its key."""

    key: str
    event_id: str
    project_id: int
    received: float
    dump: StoredFile | None
    attachments: tuple[StoredFile, ...]
    event: Mapping[str, Any] = field(default_factory=dict)
    client: str | None = None
    public_key: str = ""
    scrubbed: Mapping[str, int] | None = None
    tag: str = field(default="", compare=False)

    @property
    def files(self) -> tuple[StoredFile, ...]:
        """All files, the dump first where there is one."""
        return (self.dump, *self.attachments) if self.dump else self.attachments

    @property
    def dump_key(self) -> str | None:
        """The dump's object."""
        return self.dump.key if self.dump else None


@dataclass(frozen=True, slots=True)
class ListedUpload:
    """An upload as a list shows it: ``key`` is that of its ``upload.json``, ``written`` when that was written (Unix
    seconds), and ``has_dump`` whether its dump is there (still)."""

    key: str
    written: float
    has_dump: bool

    @property
    def event_id(self) -> str:
        """The id of its event."""
        return self.key.split("/")[-2]


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
        return self.put_stored(
            StoredUpload(
                folder + MANIFEST,
                upload.event_id,
                upload.project_id,
                upload.received,
                stored_dump,
                tuple(stored),
                upload.event,
                upload.client,
                upload.public_key,
                upload.scrubbed,
            )
        )

    def put_stored(self, upload: StoredUpload) -> bool:
        """Write the ``upload.json`` of an upload whose files are there; ``False`` when there is one by its key."""
        return self._objects.put_new(upload.key, manifest_of(upload), "application/json")

    def replace(self, upload: StoredUpload) -> bool:
        """Write an ``upload.json`` over the one that ``upload.tag`` is of; ``False``, and nothing done, when it was
        replaced or is gone."""
        return self._objects.put_over(upload.key, manifest_of(upload), upload.tag)

    def get(self, key: str) -> StoredUpload | None:
        """The upload whose ``upload.json`` has this key; ``None`` when it is not there (any more). Raises
        ``UnreadableError``: ``upload_too_new`` when a newer Cairn wrote it, ``upload_malformed`` when it is not what
        Cairn writes."""
        found = self._objects.read_with_tag(key, MANIFEST_LIMIT)
        return replace(parse_manifest(key, found[0]), tag=found[1]) if found else None

    def read(self, key: str, limit: int) -> bytes | None:
        """A dump or attachment by its key; ``None`` when it is not there (any more). Raises ``UnreadableError``
        (``object_too_large``) above ``limit`` bytes."""
        return self._objects.read(key, limit)

    def size(self, key: str) -> int | None:
        """Bytes of a dump or attachment; ``None`` when it is not there (any more)."""
        return self._objects.size(key)

    def read_range(self, key: str, start: int, end: int) -> bytes:
        """The bytes of a dump or attachment from ``start`` to before ``end``. Raises ``RefusedError``
        (``no_such_object``) when it is gone."""
        content = self._objects.read_range(key, start, end)
        if content is None:
            raise RefusedError("no_such_object", f"there is no object {key}")
        return content

    def download(self, key: str, path: Path) -> bool:
        """Write a dump or attachment to a file; ``False`` when it is not there (any more)."""
        return self._objects.download(key, path)

    def has(self, key: str) -> bool:
        """Whether a dump or attachment is there (still)."""
        return self._objects.size(key) is not None

    def projects(self) -> tuple[int, ...]:
        """The projects of which there are objects."""
        return tuple(int(name) for name in self._objects.folders(PREFIX) if name.isdigit())

    def days(self, project_id: int) -> tuple[str, ...]:
        """The days (``YYYY-MM-DD``) from which there are objects of a project, oldest first."""
        return tuple(self._objects.folders(f"{PREFIX}{project_id}/"))

    def of_day(self, project_id: int, day: str) -> Iterator[ListedUpload]:
        """The uploads that are complete and there still, a thousand objects a request."""
        yield from self._listed(f"{PREFIX}{project_id}/{day}/")

    def find(self, project_id: int, event_id: str) -> ListedUpload | None:
        """The first upload for an event, of whatever day. It takes a request for each day."""
        folders = (f"{PREFIX}{project_id}/{day}/{event_id}/" for day in self.days(project_id))
        return next((upload for folder in folders for upload in self._listed(folder)), None)

    def _listed(self, prefix: str) -> Iterator[ListedUpload]:
        objects = self._objects.under(prefix)
        for _, group in groupby(objects, key=lambda listed: listed.key.rpartition("/")[0]):
            files = {listed.key.rpartition("/")[2]: listed for listed in group}
            if manifest := files.get(MANIFEST):
                yield ListedUpload(manifest.key, manifest.written, "dump" in files)

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


def manifest_of(upload: StoredUpload) -> bytes:
    """The ``upload.json`` of an upload."""
    manifest = {
        "version": UPLOAD_VERSION,
        "event_id": upload.event_id,
        "project_id": upload.project_id,
        "received": upload.received,
        "client": upload.client,
        "public_key": upload.public_key,
        "dump": asdict(upload.dump) if upload.dump else None,
        "attachments": [asdict(attachment) for attachment in upload.attachments],
        "event": upload.event,
        "scrubbed": upload.scrubbed,
    }
    return json.dumps(manifest).encode()


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
            public_key=str(manifest.get("public_key", "")),
            scrubbed=manifest.get("scrubbed"),
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UnreadableError("upload_malformed", f"{key} is not an upload that Cairn wrote: {error!r}") from error


def stored_file(entry: Mapping[str, Any]) -> StoredFile:
    """A file's entry in ``upload.json``."""
    return StoredFile(entry["key"], entry["name"], entry["content_type"], entry["kind"], entry["size"])
