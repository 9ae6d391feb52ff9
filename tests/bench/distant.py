"""Symbol files on the emulator, as a deployment has them, and a count of what a crash asks of S3."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cairn.crash.process import process
from cairn.pipeline.debug_files.compile_debug_file import PREFIX, entry_of, put_first_hot_set
from cairn.pipeline.symbolicating.symbol_finder import IndexFinder, OpenSymbolFiles
from cairn.store.aws import Clients
from cairn.store.blobs import put_file
from cairn.store.settings import Settings
from cairn.store.symbols.debug_files import DebugFiles
from cairn.store.symbols.hot_sets import PREFIX as HOT
from cairn.store.symbols.hot_sets import HotSets
from cairn.store.symbols.symbol_index import SymbolIndex
from cairn.symbols.compiling.compile import Compiled, compile_debug_file
from cairn.symbols.compiling.isolation import Limits
from cairn.symbols.symbol_file.index import CURRENT
from tests.bench.ceph import FOLDER
from tests.emulator import running_store

LIMITS = Limits(seconds=3600, memory=12 << 30)


@dataclass(frozen=True)
class Asked:
    """What one crash asked of S3 for its symbols, and the seconds of processor time that it took."""

    gets: int
    puts: int
    bytes: int
    cpu: float


class Distant:
    """A store with symbol files, and crashes that use them. ``warm`` is a process that has seen crashes before."""

    def __init__(self, settings: Settings, clients: Clients) -> None:
        self._settings = settings
        self._clients = clients
        self._index = SymbolIndex(settings, clients)
        self._debug_files = DebugFiles(settings, clients)
        self._symbol_files: dict[str, Path] = {}
        self._asked = Counter[str]()
        for kind in ("GetObject", "HeadObject", "PutObject"):
            clients.s3.meta.events.register(f"after-call.s3.{kind}", self._count)

    def _count(self, model: Any, parsed: dict[str, Any], **_: Any) -> None:
        is_put = model.name == "PutObject"
        self._asked["puts" if is_put else "gets"] += 1
        self._asked["bytes"] += 0 if is_put else parsed.get("ContentLength", 0)

    def add(self, *debug_files: Path) -> None:
        """Store debug files with the symbol files that they are compiled to."""
        for path in debug_files:
            key = self._debug_files.put(path, path.name)
            for one in compiled(path):
                stored = f"{PREFIX}v{CURRENT}/{key.split('/')[1]}/{one.debug_id or one.code_id}"
                put_file(self._clients, self._settings.bucket, one.path, stored)
                self._symbol_files[stored] = one.path
                self._index.put(entry_of(one, key, stored, path.stat().st_size))
        self.forget()

    def cold(self) -> OpenSymbolFiles:
        """What a process starts with."""
        return OpenSymbolFiles(self._settings, self._clients)

    def forget(self) -> None:
        """Put all hot sets back to what they are before the first crash."""
        bucket = self._settings.bucket
        for one in self._clients.s3.list_objects_v2(Bucket=bucket, Prefix=HOT).get("Contents", []):
            self._clients.s3.delete_object(Bucket=bucket, Key=one["Key"])
        for key, path in self._symbol_files.items():
            put_first_hot_set(HotSets(self._settings, self._clients), path, key)

    def crash(self, dump: Path, files: OpenSymbolFiles) -> Asked:
        """Do what the symbolicate function does with a dump, but for reading it and storing the event."""
        data = dump.read_bytes()
        self._asked.clear()
        begin = time.process_time()
        process(data, IndexFinder(self._index, files))
        cpu = time.process_time() - begin
        files.keep_hot_sets()
        return Asked(self._asked["gets"], self._asked["puts"], self._asked["bytes"], cpu)


@contextmanager
def distant() -> Iterator[Distant]:
    """An emulator with nothing in it yet."""
    with running_store() as (settings, clients):
        yield Distant(settings, clients)


def compiled(path: Path) -> tuple[Compiled, ...]:
    """The symbol files of a debug file, compiled once and kept in ``build/bench``."""
    folder = FOLDER / "compiled" / f"v{CURRENT}" / f"{path.name}-{path.stat().st_size}"
    listing = folder / "compiled.json"
    if not listing.exists():
        print(f"Compiling {path.name}, {path.stat().st_size / 1e6:.0f} MB")
        folder.mkdir(parents=True, exist_ok=True)
        made = compile_debug_file(path, folder, LIMITS)
        listing.write_text(json.dumps([one.to_json() for one in made]))
    return tuple(Compiled.from_json(one) for one in json.loads(listing.read_bytes()))
