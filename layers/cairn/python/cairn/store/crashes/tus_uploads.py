"""Attachments that come before their envelope, piece by piece, by the tus protocol."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from cairn.store.aws import Clients
from cairn.store.crashes.signed_uploads import folder_of
from cairn.store.multipart import SMALLEST_PART, Multipart, Multiparts, Part
from cairn.store.objects import Objects, StoredContent
from cairn.store.parts import PART, Content, exactly
from cairn.store.settings import Settings

NOTE_LIMIT = 4096


@dataclass(frozen=True, slots=True)
class TusUpload:
    """How far an upload is: ``length`` is what it shall have, if that is known, and ``offset`` what it has. Of that
    ``parts`` are in S3, and ``rest`` waits for the next piece; without ``parts`` it is an object by now."""

    folder: str
    length: int | None
    offset: int
    multipart: Multipart
    parts: Mapping[int, Part] | None
    rest: bytes = b""
    rest_tag: str | None = None


class TusUploads:
    """Uploads under ``uploads/<project>/<id>/``, which go away after a day: ``tus.json``, and the multipart upload of
    ``content``.

    A part has 5 MiB at least, and a piece of a client has what passes the front door. So what is left over of a piece
    is kept as ``rest-<offset>`` and joined with the next one. The offset is told from the parts that are there and the
    rest behind them, so a piece that was half stored when a function ended counts as far as it came.
    """

    def __init__(self, settings: Settings, clients: Clients) -> None:
        self._objects = Objects(clients, settings.bucket, may_list=False)
        self._multiparts = Multiparts(clients, settings.bucket)

    def begin(self, upload_id: str, project_id: int, length: int | None) -> None:
        """A new upload, of which nothing has come."""
        folder = folder_of(project_id, upload_id)
        note = {"length": length, "multipart_id": self._multiparts.begin(folder + "content").id}
        self._objects.put_new(folder + "tus.json", json.dumps(note).encode(), "application/json")

    def find(self, project_id: int, upload_id: str) -> TusUpload | None:
        """The upload that was begun by this id; ``None`` when there is none (any more)."""
        folder = folder_of(project_id, upload_id)
        content = self._objects.read(folder + "tus.json", NOTE_LIMIT)
        if content is None:
            return None
        note = json.loads(content)
        multipart = Multipart(folder + "content", note["multipart_id"])
        parts = self._multiparts.parts(multipart)
        if parts is None:
            size = self._objects.size(multipart.key)
            return None if size is None else TusUpload(folder, note["length"], size, multipart, None)
        stored = sum(part.size for part in parts.values())
        rest, tag = self._objects.read_tagged(rest_key(folder, stored), SMALLEST_PART) or (b"", None)
        return TusUpload(folder, note["length"], stored + len(rest), multipart, parts, rest, tag)

    def append(self, upload: TusUpload, content: Content, size: int) -> bool:
        """Add ``size`` bytes to an upload that is not completed; ``False`` when another piece was faster."""
        parts, rest, left = len(upload.parts or ()), upload.rest, len(upload.rest) + size
        stored, tag = upload.offset - len(rest), upload.rest_tag
        while left >= SMALLEST_PART:
            body = rest + exactly(content, min(PART, left) - len(rest))
            parts, rest, tag = parts + 1, b"", None
            self._multiparts.send(upload.multipart, parts, body)
            stored, left = stored + len(body), left - len(body)
        rest += exactly(content, left - len(rest))
        return not rest or self._objects.put_over(rest_key(upload.folder, stored), rest, tag)

    def content(self, project_id: int, upload_id: str) -> StoredContent | None:
        """What was sent, as a file; ``None`` when it is not there, or not all of it. May be asked again."""
        upload = self.find(project_id, upload_id)
        if upload is None or upload.length not in (None, upload.offset):
            return None
        if upload.parts is not None:
            parts = dict(upload.parts)
            if upload.rest or not parts:
                parts[len(parts) + 1] = self._multiparts.send(upload.multipart, len(parts) + 1, upload.rest)
            self._multiparts.complete(upload.multipart, parts)
        return StoredContent(self._objects, upload.multipart.key, upload.offset)


def rest_key(folder: str, offset: int) -> str:
    """What follows the parts, whose bytes end at ``offset``."""
    return f"{folder}rest-{offset}"
