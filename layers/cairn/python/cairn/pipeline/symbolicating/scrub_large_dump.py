"""Secrets out of a dump that is too large to be held whole: on a function's disk, and then over the stored one.

May be done any number of times: the dump is replaced only where it is still the one that was fetched. What cannot be
scrubbed in the time that a function has is not kept.
"""

from __future__ import annotations

import tempfile
from enum import StrEnum
from mmap import mmap
from pathlib import Path

from cairn.minidump.distant import DistantFile
from cairn.minidump.errors import MinidumpError
from cairn.minidump.reader import read
from cairn.minidump.records import Minidump
from cairn.privacy.scrub_dump import Effort, scrub_in_place
from cairn.privacy.settings import DEFAULT
from cairn.store.aws import Clients
from cairn.store.crashes.dumps import Dumps
from cairn.store.crashes.uploads import StoredUpload, Uploads
from cairn.store.projects import Projects
from cairn.store.settings import Settings

EFFORT = Effort(work=2_000_000_000, searched=1 << 36, seconds=480)
"""What a dump may cost, of the 15 minutes that the function has: to fetch 5 GiB and store them takes another three."""


class Outcome(StrEnum):
    """What became of a dump."""

    SCRUBBED = "scrubbed"
    REMOVED = "removed"  # it has more than can be searched
    GONE = "gone"  # it was removed meanwhile, or replaced
    KEPT = "kept"  # its project wants no scrubbing any more


class LargeDumpScrubbing:
    """The scrubbing with what it needs; one serves many dumps."""

    def __init__(self, settings: Settings, clients: Clients, effort: Effort = EFFORT) -> None:
        self._uploads = Uploads(settings, clients)
        self._dumps = Dumps(settings, clients)
        self._projects = Projects(settings, clients)
        self._effort = effort

    def run(self, upload_key: str) -> Outcome:
        """Scrub the dump of the upload whose ``upload.json`` has this key. Raises ``StoreError`` where S3 or DynamoDB
        fail."""
        upload = self._uploads.get(upload_key)
        if upload is None or upload.dump is None:
            return Outcome.GONE
        project = self._projects.get(upload.project_id)
        privacy = project.privacy if project else DEFAULT
        if not privacy.scrub_dumps:
            self._dumps.note(upload.project_id, upload.event_id, "kept")
            return Outcome.KEPT
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "dump"
            tag = self._dumps.fetch(upload.dump.key, path)
            if not tag or not path.stat().st_size:
                return Outcome.GONE
            with path.open("r+b") as file, mmap(file.fileno(), 0) as data:
                done = scrub_in_place(data, parsed(data), privacy, self._effort)
                if not done.complete:
                    return self._remove(upload)
                if done.changed and not self._dumps.replace_parts(upload.dump.key, data, done.changed, tag):
                    return Outcome.GONE
        self._dumps.note(upload.project_id, upload.event_id, "scrubbed")
        return Outcome.SCRUBBED

    def _remove(self, upload: StoredUpload) -> Outcome:
        self._dumps.note_and_remove(upload.project_id, upload.event_id, upload.received)
        return Outcome.REMOVED


def parsed(data: mmap) -> Minidump | None:
    """What a dump says, ``None`` where it cannot be read."""
    try:
        return read(DistantFile(len(data), lambda start, end: data[start:end]))
    except MinidumpError:
        return None
