"""Uploads whose files clients put into S3 themselves, part by part, by signed addresses."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from cairn.intake.signed_upload_request import AnnouncedUpload
from cairn.store.aws import Clients
from cairn.store.crashes.uploads import MANIFEST, MANIFEST_LIMIT, StoredFile, StoredUpload, Uploads, event_folder
from cairn.store.errors import UnreadableError
from cairn.store.multipart import Multipart, Multiparts, Part
from cairn.store.objects import Objects
from cairn.store.settings import Settings

PREFIX = "uploads/"
"""What is on its way; it goes away after a day."""

SENT = "crashes/*/sent-"
"""The files that came so: all that the function which takes them may read of crashes, to check them."""

SENT_DUMPS = "sent-*-0"
"""The dumps among them, in the folder of a crash."""

PLAN = "plan.json"
PLAN_VERSION = 1

FINISHED = "finished"
"""The empty object beside a plan of which nothing is to be done any more."""

PART_SIZE = 16 * 1024 * 1024
"""Bytes of a part: what is lost at most when a line breaks, in 320 parts for 5 GiB. S3 takes up to 10,000."""

PARTS_SIGNED = 16
"""Addresses given out at a time: 256 MiB, which a slow line sends before they expire."""

SIGNED_SECONDS = 3600

COMPLETED: dict[int, Part] = {}
"""Stands for the parts of a file that is one object by now."""


@dataclass(frozen=True, slots=True)
class PlannedFile:
    """A file that is to come, and S3's id of its multipart upload."""

    file: StoredFile
    multipart_id: str

    @property
    def multipart(self) -> Multipart:
        """Its upload to S3."""
        return Multipart(self.file.key, self.multipart_id)


@dataclass(frozen=True, slots=True)
class Plan:
    """An upload that was begun. ``begun`` is in Unix seconds; the first of ``files`` is the dump. ``public_key`` is the
    one it was begun with, empty in plans of an older Cairn. ``scrubbed`` is that of ``Upload``."""

    id: str
    event_id: str
    project_id: int
    begun: float
    client: str | None
    event: Mapping[str, Any]
    files: tuple[PlannedFile, ...]
    public_key: str = ""
    scrubbed: Mapping[str, int] | None = None


@dataclass(frozen=True, slots=True)
class SignedPart:
    """A part that is missing, and where to put it: ``size`` bytes from ``offset`` of the file with that index."""

    file: int
    number: int
    offset: int
    size: int
    url: str


@dataclass(frozen=True, slots=True)
class Remaining:
    """How many bytes of an upload are there, and the next parts that are not."""

    received: int
    parts: tuple[SignedPart, ...]


class SignedUploads:
    """Plans are objects ``uploads/<project>/<id>/plan.json``, with ``finished`` beside them in the end. The files go to
    where they stay, ``crashes/<project>/<day>/<event id>/sent-<id>-<n>``, the dump as 0: completing copies nothing.

    They come from outside with nothing between: that a part has the size which was announced is signed, and looked at
    again before the files are completed.
    """

    def __init__(self, settings: Settings, clients: Clients) -> None:
        self._objects = Objects(clients, settings.bucket, may_list=False)
        self._multiparts = Multiparts(clients, settings.bucket)
        self._uploads = Uploads(settings, clients)

    def begin(
        self,
        upload_id: str,
        project_id: int,
        begun: float,
        client: str | None,
        upload: AnnouncedUpload,
        public_key: str = "",
    ) -> Plan:
        """A new upload, of which nothing has come. ``upload_id`` is the event's id too, if ``upload`` names none."""
        event_id = upload.event_id or upload_id
        folder = event_folder(project_id, begun, event_id)
        files = []
        for number, file in enumerate(upload.files):
            key = f"{folder}sent-{upload_id}-{number}"
            stored = StoredFile(key, file.name, file.content_type, file.kind, file.size)
            files.append(PlannedFile(stored, self._multiparts.begin(key).id))
        event = {**upload.event, "event_id": event_id}
        plan = Plan(upload_id, event_id, project_id, begun, client, event, tuple(files), public_key, upload.scrubbed)
        content = json.dumps({"version": PLAN_VERSION, **asdict(plan)}).encode()
        self._objects.put_new(plan_key(project_id, upload_id), content, "application/json")
        return plan

    def find(self, project_id: int, upload_id: str) -> Plan | None:
        """The upload that was begun by this id; ``None`` when there is none (any more)."""
        content = self._objects.read(plan_key(project_id, upload_id), MANIFEST_LIMIT)
        return None if content is None else parse_plan(content)

    def unfinished(self, before: float) -> list[tuple[int, str]]:
        """Project and id of the uploads that were begun before ``before`` (Unix seconds), and neither kept nor
        discarded."""
        begun, finished = set(), set()
        for listed in self._objects.under(PREFIX):
            folder, _, name = listed.key.rpartition("/")
            if name == PLAN and listed.written < before:
                begun.add(folder)
            elif name == FINISHED:
                finished.add(folder)
        return [(int(project), upload) for _, project, upload in (folder.split("/") for folder in begun - finished)]

    def remaining(self, plan: Plan, limit: int = PARTS_SIGNED) -> Remaining | None:
        """What has come, and the first ``limit`` parts that are not there, or not as long as they should be; ``None``
        when the upload was given up."""
        received, signed = 0, list[SignedPart]()
        for index, file in enumerate(plan.files):
            parts = self._there(file)
            if parts is None:
                return None
            lacking = [] if parts is COMPLETED else list(lacking_parts(file.file.size, parts))
            received += file.file.size - sum(size for _, _, size in lacking)
            signed += (self._signed(index, file, *part) for part in lacking[: limit - len(signed)])
        return Remaining(received, tuple(signed))

    def complete(self, plan: Plan) -> bool:
        """Make the objects of their parts, which may have been done; ``False`` when parts are missing, or all is
        gone."""
        there = [self._there(file) for file in plan.files]
        if not all(is_whole(file.file.size, parts) for file, parts in zip(plan.files, there, strict=True)):
            return False
        for file, parts in zip(plan.files, there, strict=True):
            if parts:
                self._multiparts.complete(file.multipart, parts)
        return True

    def head(self, plan: Plan, size: int) -> bytes:
        """The first bytes of the dump, which must have been completed."""
        return self._uploads.read_range(plan.files[0].file.key, 0, size)

    def discard(self, plan: Plan) -> None:
        """Delete the files, which must have been completed."""
        for file in plan.files:
            self._objects.delete(file.file.key)
        self._finish(plan)

    def keep(self, plan: Plan) -> bool:
        """Write the ``upload.json`` of completed files, with which the crash is accepted; ``False`` when it was there.
        Of two with one event id on a day the first wins."""
        dump, *others = (file.file for file in plan.files)
        key = event_folder(plan.project_id, plan.begun, plan.event_id) + MANIFEST
        stored = StoredUpload(
            key,
            plan.event_id,
            plan.project_id,
            plan.begun,
            dump,
            tuple(others),
            plan.event,
            plan.client,
            plan.public_key,
            plan.scrubbed,
        )
        is_new = self._uploads.put_stored(stored)
        self._finish(plan)
        return is_new

    def _finish(self, plan: Plan) -> None:
        self._objects.put(folder_of(plan.project_id, plan.id) + FINISHED, b"")

    def _there(self, file: PlannedFile) -> dict[int, Part] | None:
        """The parts of a file that are there, ``COMPLETED`` when it is an object; ``None`` when it was given up."""
        parts = self._multiparts.parts(file.multipart)
        if parts is None and self._objects.size(file.file.key) == file.file.size:
            return COMPLETED
        return parts

    def _signed(self, index: int, file: PlannedFile, number: int, offset: int, size: int) -> SignedPart:
        url = self._multiparts.sign(file.multipart, number, size, SIGNED_SECONDS)
        return SignedPart(index, number, offset, size, url)


def lacking_parts(size: int, there: Mapping[int, Part]) -> Iterator[tuple[int, int, int]]:
    """Number, offset and size of each part that a file of ``size`` bytes lacks."""
    for number, offset in enumerate(range(0, size, PART_SIZE), 1):
        part, part_size = there.get(number), min(PART_SIZE, size - offset)
        if part is None or part.size != part_size:
            yield number, offset, part_size


def is_whole(size: int, there: Mapping[int, Part] | None) -> bool:
    """Whether all parts of a file are there."""
    return there is COMPLETED or (there is not None and not any(lacking_parts(size, there)))


def plan_key(project_id: int, upload_id: str) -> str:
    """Where a plan lies."""
    return folder_of(project_id, upload_id) + PLAN


def folder_of(project_id: int, upload_id: str) -> str:
    """Where the objects of an upload lie, with a slash at the end."""
    return f"{PREFIX}{project_id}/{upload_id}/"


def parse_plan(content: bytes) -> Plan:
    """What a ``plan.json`` says. Raises ``UnreadableError`` (``upload_too_new``)."""
    said = json.loads(content)
    if said.pop("version") > PLAN_VERSION:
        raise UnreadableError("upload_too_new", "a newer Cairn began this upload: deploy that one")
    files = tuple(PlannedFile(StoredFile(**entry["file"]), entry["multipart_id"]) for entry in said.pop("files"))
    return Plan(**said, files=files)
