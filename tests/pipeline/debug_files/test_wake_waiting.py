"""A crash comes before its symbols, and is symbolicated again when they come: once, and without being asked."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from cairn.crash.event import Event
from cairn.intake.upload import Attachment, Upload
from cairn.pipeline.debug_files.compile_debug_file import Compilation
from cairn.pipeline.debug_files.wake_waiting import Queues, Waking
from cairn.pipeline.symbolicating.symbolicate import Outcome, Symbolication
from cairn.privacy.settings import Privacy
from cairn.store.aws import Clients
from cairn.store.crashes.events import Events
from cairn.store.crashes.uploads import Uploads
from cairn.store.notifications import object_keys, waking_in
from cairn.store.projects import Projects
from cairn.store.queues import Queue
from cairn.store.settings import Settings
from cairn.store.symbols.debug_files import DebugFiles
from cairn.store.symbols.symbol_index import ModuleIds, SymbolEntry, SymbolIndex
from cairn.store.symbols.waiting import WaitingCrash, WaitingCrashes, WantedModule
from tests.crash.symbol_files import SAMPLE
from tests.emulator import running_store
from tests.symbols.source_code.source_bundles import sample_bundle


@dataclass(frozen=True)
class Place:
    """A deployment of its own, without functions: tests do what they would do."""

    settings: Settings
    clients: Clients
    queues: Queues

    def crash(self, event_id: str | None = None) -> str:
        """Store an upload of the sample's dump; returns its key."""
        dump = (SAMPLE / "lighthouse.dmp").read_bytes()
        file = Attachment(
            "lighthouse.dmp",
            "application/octet-stream",
            "event.minidump",
            len(dump),
            BytesIO(dump),
        )
        upload = Upload(event_id or secrets.token_hex(16), 1, time.time(), (file,), {}, None)
        return Uploads(self.settings, self.clients).put(upload)

    def symbolicate(self, key: str) -> Event:
        assert Symbolication(self.settings, self.clients).run(key).outcome is Outcome.SYMBOLICATED
        return self.event(key)

    def event(self, key: str) -> Event:
        record = Events(self.settings, self.clients).get(1, key.split("/")[-2])
        assert record is not None
        return Event.from_json(record.body)

    def symbols(self, path: Path = SAMPLE / "lighthouse") -> SymbolEntry:
        """Compile a debug file, as yet without telling anybody."""
        key = DebugFiles(self.settings, self.clients).put(path, path.name)
        (entry,) = Compilation(self.settings, self.clients).run(key).entries
        return entry

    def wake(self, ids: ModuleIds, per_run: int = 1000, *, sources: bool = False) -> int:
        return Waking(self.settings, self.clients, self.queues, per_run).run(ids, sources=sources)

    def messages(self, queue: Queue) -> list[str]:
        """All messages of a queue, which is empty then."""
        bodies: list[str] = []
        while got := queue.receive(0):
            bodies += [message.body for message in got]
            queue.delete(got)
        return bodies

    def woken(self) -> list[str]:
        """The uploads that are to be symbolicated again."""
        return sorted(key for body in self.messages(self.queues.crashes) for key in object_keys(body))

    def waiting(self) -> tuple[WaitingCrash, ...]:
        return WaitingCrashes(self.settings, self.clients).wanted(1, 1000)


@pytest.fixture
def place() -> Iterator[Place]:
    with running_store() as (settings, clients):
        urls = [clients.sqs.create_queue(QueueName=name)["QueueUrl"] for name in ("crashes", "files")]
        yield Place(settings, clients, Queues(*(Queue(clients, url) for url in urls)))


def ids_of(entry: SymbolEntry) -> ModuleIds:
    return entry.debug_id, entry.code_id


def test_symbols_that_come_later_wake_exactly_who_waits(place: Place) -> None:
    key = place.crash()
    before = place.symbolicate(key)
    assert before.title != "Lamp::dim_to"
    assert before.cairn.first_symbolicated == before.cairn.symbolicated
    assert place.waiting()[0].modules[0].name == "lighthouse"

    entry = place.symbols()
    assert place.wake((secrets.token_hex(16), None)) == 0
    assert place.wake(ids_of(entry)) == 1
    assert place.woken() == [key]
    assert place.wake(ids_of(entry)) == 0, "nobody waits twice"

    after = place.symbolicate(key)
    assert after.title == "Lamp::dim_to"
    assert after.cairn.grouping and before.cairn.grouping
    assert (before.cairn.grouping.by, after.cairn.grouping.by) == ("place", "functions")
    listed = Events(place.settings, place.clients).list_issue(1, after.cairn.grouping.hash)
    assert [event.event_id for event in listed.items] == [after.event_id]
    assert after.cairn.first_symbolicated == before.cairn.symbolicated
    assert (after.cairn.symbolicated or 0) > (before.cairn.symbolicated or 0)
    assert "lighthouse" not in [module.name for module in place.waiting()[0].modules]
    assert place.wake(ids_of(entry)) == 0, "and not for what it has"


@pytest.mark.parametrize("kept", ["debug_id", "code_id"])
def test_one_of_the_ids_is_enough(place: Place, kept: str) -> None:
    key = place.crash()
    place.symbolicate(key)
    entry = place.symbols()
    assert place.wake((entry.debug_id, None) if kept == "debug_id" else (None, entry.code_id)) == 1
    assert place.woken() == [key]


def test_symbols_that_come_during_symbolication_are_used(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """The compile step has looked who waits before the crash says that it does."""
    key, step = place.crash(), Symbolication(place.settings, place.clients)
    put = WaitingCrashes.put

    def late(waiting: WaitingCrashes, crash: WaitingCrash) -> None:
        if not SymbolIndex(place.settings, place.clients).list():
            assert place.wake(ids_of(place.symbols())) == 0
        put(waiting, crash)

    monkeypatch.setattr(WaitingCrashes, "put", late)
    step.run(key)
    assert place.event(key).title == "Lamp::dim_to"
    assert "lighthouse" not in [module.name for module in place.waiting()[0].modules]


def test_another_upload_of_the_id_waits_for_nothing(place: Place) -> None:
    event_id = secrets.token_hex(16)
    key = place.crash(event_id)
    place.symbolicate(key)
    other = place.clients.s3.get_object(Bucket=place.settings.bucket, Key=key)["Body"].read()
    second = key.replace("/upload.json", "x/upload.json")
    place.clients.s3.put_object(Bucket=place.settings.bucket, Key=second, Body=other)
    assert Symbolication(place.settings, place.clients).run(second).outcome is Outcome.DUPLICATE
    assert [crash.upload_key for crash in place.waiting()] == [key]


def source_bundle(place: Place, folder: Path) -> SymbolEntry:
    """Compile the bundle of the sample's sources, as yet without telling anybody."""
    path = folder / "lighthouse.src.zip"
    path.write_bytes(sample_bundle())
    return place.symbols(path)


def shown(event: Event) -> list[str | None]:
    assert event.crash and event.crash.stacktrace
    return [frame.context_line for frame in event.crash.stacktrace.frames if frame.lineno]


def test_sources_that_come_later_wake_who_has_none(place: Place, tmp_path: Path) -> None:
    symbols, key = place.symbols(), place.crash()
    assert shown(place.symbolicate(key)) == [None] * 6
    entry = source_bundle(place, tmp_path)
    assert place.wake(ids_of(symbols)) == 0, "symbols do it no good"
    assert "lighthouse" not in [module.name for module in place.waiting()[0].modules], "and it misses none"
    assert place.wake(ids_of(entry), sources=True) == 1
    assert place.woken() == [key]
    lines = (SAMPLE / "lighthouse.cpp").read_text().splitlines()
    assert shown(place.symbolicate(key)) == [lines[line - 1] for line in (47, 32, 47, 26, 18, 11)]
    assert place.wake(ids_of(entry), sources=True) == 0, "nobody waits for what he has"


def test_symbols_and_then_sources(place: Place, tmp_path: Path) -> None:
    """What an upload with sources after the crash does, in whatever order its files are compiled."""
    key = place.crash()
    place.symbolicate(key)
    entry = place.symbols()
    assert (place.wake(ids_of(entry)), place.woken()) == (1, [key])
    place.symbolicate(key)
    entry = source_bundle(place, tmp_path)
    assert (place.wake(ids_of(entry), sources=True), place.woken()) == (1, [key])
    assert shown(place.symbolicate(key))[-1] == "    void dim_to(int level) { brightness = level; }"


def test_who_has_old_symbols_waits_for_no_sources(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was not sent with the symbols is not sent: nobody pays for waiting. But where there are bundles at all."""
    monkeypatch.setattr("cairn.pipeline.symbolicating.source_finder.FRESH", -1)
    place.symbols()
    first, second = place.crash(), place.crash()
    place.symbolicate(first)
    other = tmp_path / "other.src.zip"
    other.write_bytes(sample_bundle("f" * 32))
    place.symbols(other)
    place.symbolicate(second)
    entry = source_bundle(place, tmp_path)
    assert (place.wake(ids_of(entry), sources=True), place.woken()) == (1, [second])


def test_sources_that_come_during_symbolication_are_used(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The compile step has looked who waits before the crash says that it does."""
    place.symbols()
    put = WaitingCrashes.put
    key, entries = place.crash(), list[SymbolEntry]()

    def late(waiting: WaitingCrashes, crash: WaitingCrash) -> None:
        if not entries:
            entries.append(source_bundle(place, tmp_path))
            assert place.wake(ids_of(entries[0]), sources=True) == 0
        put(waiting, crash)

    monkeypatch.setattr(WaitingCrashes, "put", late)
    assert shown(place.symbolicate(key))[-1] == "    void dim_to(int level) { brightness = level; }"


def test_a_crash_whose_dump_goes_waits_for_no_sources(place: Place, tmp_path: Path) -> None:
    projects = Projects(place.settings, place.clients)
    projects.set_privacy(projects.create("game", "Game").id, Privacy(dumps="none"))
    place.symbols()
    place.symbolicate(place.crash())
    assert place.wake(ids_of(source_bundle(place, tmp_path)), sources=True) == 0


def test_many_wait_for_sources_and_are_woken_a_run_at_a_time(place: Place) -> None:
    debug_id, waiting = secrets.token_hex(16), WaitingCrashes(place.settings, place.clients)
    keys = [f"crashes/1/day/{number:032x}/upload.json" for number in range(23)]
    for key in keys:
        waiting.put(WaitingCrash(1, key.split("/")[-2], time.time(), key, (), (debug_id,)))
    assert place.waiting() == (), "they are in no list of what is missing"
    assert place.wake((debug_id, None), per_run=10, sources=True) == 10
    runs = 1
    while go_on := place.messages(place.queues.debug_files):
        (more,) = map(waking_in, go_on)
        assert more is not None and (more[0], more[2]) == ((debug_id, None), True)
        Waking(place.settings, place.clients, place.queues, 10).run(*more)
        runs += 1
    assert runs == 3
    assert place.woken() == keys


def crowd(place: Place, size: int) -> tuple[ModuleIds, list[str]]:
    """So many crashes that wait for one module."""
    ids = secrets.token_hex(16), secrets.token_hex(20)
    waiting, module = WaitingCrashes(place.settings, place.clients), WantedModule("game", *ids, "missing")
    keys = [f"crashes/1/day/{number:032x}/upload.json" for number in range(size)]
    for key in keys:
        waiting.put(WaitingCrash(1, key.split("/")[-2], time.time(), key, (module,)))
    return ids, keys


def test_many_are_woken_a_run_at_a_time_and_each_once(place: Place) -> None:
    ids, keys = crowd(place, 230)
    assert place.wake(ids, per_run=100) == 100
    runs = 1
    while go_on := place.messages(place.queues.debug_files):
        (more,) = map(waking_in, go_on)
        assert more is not None and more[0] == ids
        Waking(place.settings, place.clients, place.queues, 100).run(*more)
        runs += 1
    assert runs == 3
    assert place.woken() == keys


def test_who_waits_again_is_not_woken_by_the_same_run(place: Place) -> None:
    """A file that does a crash no good would else wake it without end."""
    ids, keys = crowd(place, 10)
    place.wake(ids, per_run=10)
    module = WantedModule("game", *ids, "malformed")
    for key in keys:
        again = WaitingCrash(1, key.split("/")[-2], time.time(), key, (module,))
        WaitingCrashes(place.settings, place.clients).put(again)
    (message,) = place.messages(place.queues.debug_files)
    more: Any = waking_in(message)
    assert Waking(place.settings, place.clients, place.queues, 10).run(*more) == 0
    assert place.messages(place.queues.debug_files) == []


def test_a_run_that_broke_off_is_done_again(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    ids, keys = crowd(place, 15)

    def broken(*_: Any, **__: Any) -> None:
        raise ConnectionError("the function ends here")

    with monkeypatch.context() as patch:
        patch.setattr(WaitingCrashes, "remove", broken)
        with pytest.raises(ConnectionError):
            place.wake(ids)
    assert place.wake(ids) == 15
    assert place.woken() == sorted(keys * 2), "sent twice, lost never"
