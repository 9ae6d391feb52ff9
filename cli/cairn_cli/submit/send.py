"""One crash on its way: its files in parts, some at a time, and from where it was when the line broke."""

from __future__ import annotations

import hashlib
import os
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

from cairn.intake.dumps import dump
from cairn.intake.errors import IntakeError
from cairn.intake.limits import UPLOAD, Limits
from cairn_cli.errors import CliError
from cairn_cli.submit.begun import Begun, name_of
from cairn_cli.submit.door import Door, Part, Upload

PARTS_AT_ONCE = 4
PIECE = 256 * 1024
"""Bytes sent between two steps of the progress bar."""
TRIES = 5
"""Rounds in a row in which no part gets through, until the command gives up."""

Progress = Callable[[int], None]
"""Told of bytes that are there now; negative when they have to be sent again."""


@dataclass(frozen=True, slots=True)
class Sent:
    """A crash that was accepted. ``bytes`` are those of its files, ``resumed`` those that an earlier run had sent."""

    event_id: str
    bytes: int
    resumed: int


@dataclass(frozen=True, slots=True)
class File:
    """An open file of a crash."""

    name: str
    size: int
    content: BinaryIO

    def pieces(self, part: Part) -> Iterator[bytes]:
        """The bytes of a part. Threads may read the same file."""
        for offset in range(part.offset, part.offset + part.size, PIECE):
            wanted = min(PIECE, part.offset + part.size - offset)
            piece = os.pread(self.content.fileno(), wanted, offset)
            if len(piece) != wanted:
                raise CliError(f"{self.name} became shorter while it was sent")
            yield piece

    def md5(self, part: Part) -> bytes:
        """The MD5 of a part."""
        digest = hashlib.md5(usedforsecurity=False)
        for piece in self.pieces(part):
            digest.update(piece)
        return digest.digest()


def open_files(path: Path, attachments: Sequence[Path], closing: ExitStack) -> list[File]:
    """The dump, unpacked if it is compressed, and the other files. Raises ``CliError``."""
    try:
        content = closing.enter_context(path.open("rb"))
        found = dump(path.name, content, Limits(file=UPLOAD), lambda: temporary_file(closing))
    except IntakeError as error:
        raise CliError(f"{path}: {error.causes[0]}") from error
    except OSError as error:
        raise CliError(f"{path}: {error.strerror}") from error
    return [File(found.name, found.size, found.content), *(open_file(other, closing) for other in attachments)]


def temporary_file(closing: ExitStack) -> BinaryIO:
    """An empty file on disk."""
    return cast(BinaryIO, closing.enter_context(tempfile.TemporaryFile()))


def open_file(path: Path, closing: ExitStack) -> File:
    """A file as it is. Raises ``CliError``."""
    try:
        size = path.stat().st_size
        if not size:
            raise CliError(f"{path} is empty")
        return File(path.name, size, closing.enter_context(path.open("rb")))
    except OSError as error:
        raise CliError(f"{path}: {error.strerror}") from error


class Sending:
    """Crashes that go to one door, with the same fields and attachments."""

    def __init__(self, door: Door, fields: Mapping[str, str], attachments: Sequence[Path], begun: Begun) -> None:
        self._door = door
        self._fields = fields
        self._attachments = attachments
        self._begun = begun

    def send(self, path: Path, total: Progress, progress: Progress) -> Sent:
        """Send a crash; ``total`` is told once how many bytes it has. Raises ``CliError``."""
        with ExitStack() as closing:
            files = open_files(path, self._attachments, closing)
            total(size := sum(file.size for file in files))
            announcement = {
                "name": files[0].name,
                "size": files[0].size,
                "fields": dict(self._fields),
                "attachments": [{"name": file.name, "size": file.size} for file in files[1:]],
            }
            name = name_of(self._door.url, announcement, [path, *self._attachments])
            upload = self._resumed(name) or self._door.begin(announcement)
            self._begun.remember(name, upload.id)
            progress(upload.received)
            self._send_parts(upload, files, progress)
            event_id = self._door.commit(upload.id)
            self._begun.forget(name)
            return Sent(event_id, size, upload.received)

    def _resumed(self, name: str) -> Upload | None:
        upload_id = self._begun.recall(name)
        return self._door.go_on(upload_id) if upload_id else None

    def _send_parts(self, upload: Upload, files: Sequence[File], progress: Progress) -> None:
        failed_rounds = 0
        while upload.parts:
            failures = self._send_round(upload.parts, files, progress)
            failed_rounds = failed_rounds + 1 if len(failures) == len(upload.parts) else 0
            if failed_rounds == TRIES:
                hint = "run the same command again: it goes on where it stopped"
                raise CliError(f"the parts do not get through: {failures[0]}", hint)
            if failures:
                time.sleep(2 ** (failed_rounds - 1))
            again = self._door.go_on(upload.id)
            if again is None:
                raise CliError("the upload was given up meanwhile", "run the same command again: it begins anew")
            upload = again

    def _send_round(self, parts: Sequence[Part], files: Sequence[File], progress: Progress) -> list[OSError]:
        """Send parts side by side; answers what kept some from getting through."""
        stop = threading.Event()
        pool = ThreadPoolExecutor(PARTS_AT_ONCE)
        try:
            done = list(pool.map(lambda part: self._send_part(part, files[part.file], progress, stop), parts))
        finally:
            stop.set()
            pool.shutdown(wait=False, cancel_futures=True)
        return [error for error in done if error]

    def _send_part(self, part: Part, file: File, progress: Progress, stop: threading.Event) -> OSError | None:
        sent = 0

        def pieces() -> Iterator[bytes]:
            nonlocal sent
            for piece in file.pieces(part):
                if stop.is_set():
                    raise InterruptedError("stopped")
                yield piece
                sent += len(piece)
                progress(len(piece))

        try:
            self._door.put(part, pieces(), file.md5(part))
        except OSError as error:
            progress(-sent)
            return error
        return None
