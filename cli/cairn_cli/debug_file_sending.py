"""Debug files on their way to S3: small ones side by side, with those in archives."""

from __future__ import annotations

import tempfile
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from rich.progress import BarColumn, DownloadColumn, Progress, ProgressColumn, TextColumn, TransferSpeedColumn

from cairn.store import parts
from cairn.store.symbols.debug_files import LARGEST_FILE, DebugFiles, too_large
from cairn.symbols.arriving.archive import Refused, is_archive
from cairn.symbols.arriving.arrivals import Arrivals, Arrived
from cairn.symbols.errors import DebugFileError
from cairn_cli.output import console
from cairn_cli.target import Target

AT_ONCE = 8
"""Small files, of up to a part each, that are in memory and on their way at the same time."""


@dataclass(frozen=True, slots=True)
class Uploaded:
    """What was sent, by its keys, and what of archives was not."""

    keys: list[str]
    refused: list[Refused]


def upload(target: Target, paths: list[Path]) -> Uploaded:
    """Send the files, and those in archives, with a bar on a terminal. When one fails, or on Ctrl-C, those on their way
    come to their end and no other begins."""
    files = DebugFiles(target.settings, target.clients)
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    refused: list[Refused] = []
    with tempfile.TemporaryDirectory() as folder, progress_of(*columns) as progress, senders() as pool:
        sending = Sending(files, Path(folder), pool, progress, bytes_of(paths))
        for found in arriving(paths, Path(folder)):
            if isinstance(found, Refused):
                refused.append(found)
            else:
                sending.send(found)
        sending.finish()
    return Uploaded(list(dict.fromkeys(sending.keys)), refused)


@contextmanager
def senders() -> Iterator[ThreadPoolExecutor]:
    """Threads that begin nothing more when the block is left."""
    pool = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="debug-file")
    try:
        yield pool
    finally:
        pool.shutdown(cancel_futures=True)


class Sending:
    """Files that are sent in threads of ``pool``, with one bar for all; ``keys`` are those of the files that are there
    by now, in the order in which they came. ``folder`` has what was unpacked, ``size`` is in bytes."""

    def __init__(self, files: DebugFiles, folder: Path, pool: ThreadPoolExecutor, bar: Progress, size: int) -> None:
        self._files = files
        self._folder = folder
        self._pool = pool
        self._bar = bar
        self._task = bar.add_task("", total=size)
        self._size = size
        self._on_their_way: deque[Future[str]] = deque()
        self.keys: list[str] = []

    def send(self, found: Arrived) -> None:
        """Begin to send a file, once there is room for it. A large one goes alone: its parts go side by side. Raises
        what came of an earlier one."""
        size, is_unpacked = found.path.stat().st_size, found.path.parent == self._folder
        self._size += size if is_unpacked else 0
        self._bar.update(self._task, description=f"{len(self.keys)} sent, {found.name}", total=self._size)
        if size > parts.PART:
            self.finish()
            self.keys.append(self._put(found))
            return
        while len(self._on_their_way) >= AT_ONCE:
            self.keys.append(self._on_their_way.popleft().result())
        begin = self._put_own if is_unpacked else self._put
        self._on_their_way.append(self._pool.submit(begin, self._set_aside(found) if is_unpacked else found))

    def finish(self) -> None:
        """Wait for what is on its way."""
        while self._on_their_way:
            self.keys.append(self._on_their_way.popleft().result())

    def _set_aside(self, found: Arrived) -> Arrived:
        """An unpacked file where the next one is not written over it."""
        number = len(self.keys) + len(self._on_their_way)
        return replace(found, path=found.path.rename(self._folder / f"{number}.sending"))

    def _put(self, found: Arrived) -> str:
        return self._files.put(found.path, found.name, partial(self._bar.advance, self._task))

    def _put_own(self, found: Arrived) -> str:
        key = self._put(found)
        found.path.unlink()
        return key


def bytes_of(paths: list[Path]) -> int:
    """Bytes that are to be sent, but for those in archives."""
    sizes = (path.stat().st_size for path in paths if not is_archive(path))
    return sum(size for size in sizes if size <= LARGEST_FILE)


def progress_of(*columns: ProgressColumn) -> Progress:
    """Progress on a terminal, of which nothing is left; elsewhere there is none."""
    out = console()
    return Progress(*columns, console=out, disable=not out.is_terminal, transient=True)


def arriving(paths: list[Path], folder: Path) -> Iterator[Arrived | Refused]:
    """The debug files of ``paths``, one after another, with those in archives."""
    arrivals = Arrivals(folder)
    for path in paths:
        if (size := path.stat().st_size) > LARGEST_FILE:
            yield Refused(path.name, too_large(size))
            continue
        try:
            yield from arrivals.of(path)
        except DebugFileError as error:
            yield Refused(path.name, str(error))
    yield from arrivals.late()
