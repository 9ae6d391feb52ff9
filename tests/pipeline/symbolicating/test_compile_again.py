"""What an older Cairn made of debug files: a crash that needs it has it made again, once, and is done again with it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from cairn.crash.event import Event, Image
from cairn.pipeline.debug_files.compile_debug_file import Compilation
from cairn.pipeline.debug_files.wake_waiting import Queues
from cairn.pipeline.symbolicating.compile_again import CompileAgain
from cairn.pipeline.symbolicating.symbolicate import Symbolication
from cairn.store.errors import UnavailableError
from cairn.store.notifications import object_keys
from cairn.store.queues import Queue
from cairn.store.symbols.renewals import PENDING_SECONDS, Renewals
from cairn.store.symbols.symbol_index import SymbolEntry, SymbolIndex
from cairn.store.table import Table
from cairn.symbols.symbol_file.index import CURRENT
from tests.emulator import running_store
from tests.pipeline.debug_files.test_wake_waiting import Place, ids_of, shown, source_bundle


@pytest.fixture
def place() -> Iterator[Place]:
    with running_store() as (settings, clients):
        urls = [clients.sqs.create_queue(QueueName=name)["QueueUrl"] for name in ("crashes", "files")]
        yield Place(settings, clients, Queues(*(Queue(clients, url) for url in urls)))


def outdated(place: Place, entry: SymbolEntry) -> SymbolEntry:
    """The entry as an older Cairn had it. The newer one is not replaced by it, so that goes first."""
    old, index = replace(entry, version=CURRENT - 1), SymbolIndex(place.settings, place.clients)
    if entry.format == "sourcebundle":  # before there were indexes, nor a row that says that there are bundles
        old = replace(entry, key=entry.debug_file_key, version=3)
    index.remove(entry)
    index.remove_from_list(entry)
    (index.put_sources if entry.format == "sourcebundle" else index.put)(old)
    Table(place.clients, place.settings.symbols_table).delete("sources", "any")
    return old


def symbolicate(place: Place, key: str) -> Event:
    Symbolication(place.settings, place.clients, debug_files=place.queues.debug_files).run(key)
    return place.event(key)


def asked(place: Place) -> list[str]:
    """The debug files that are to be compiled again."""
    return [key for body in place.messages(place.queues.debug_files) for key in object_keys(body)]


def compiled(place: Place, key: str) -> SymbolEntry:
    (entry,) = Compilation(place.settings, place.clients).run(key).entries
    return entry


def lighthouse(event: Event) -> Image:
    return next(image for image in event.debug_meta.images if image.name == "lighthouse")


def test_symbols_of_an_older_cairn_are_compiled_again(place: Place) -> None:
    old, key = outdated(place, place.symbols()), place.crash()
    before = symbolicate(place, key)
    assert before.title != "Lamp::dim_to"
    assert lighthouse(before).reason == (
        "lighthouse: an older Cairn compiled it; it is compiled again, and the crash with it"
    )
    assert asked(place) == [old.debug_file_key]
    assert place.wake(ids_of(compiled(place, old.debug_file_key))) == 1
    assert place.woken() == [key]
    assert symbolicate(place, key).title == "Lamp::dim_to"
    assert asked(place) == []


def test_sources_of_an_older_cairn_are_indexed_again(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cairn.pipeline.symbolicating.source_finder.FRESH", -1)
    place.symbols()
    old, key = outdated(place, source_bundle(place, tmp_path)), place.crash()
    assert shown(symbolicate(place, key)) == [None] * 6
    assert asked(place) == [old.debug_file_key]
    entry = compiled(place, old.debug_file_key)
    assert entry.key != old.key
    assert place.wake(ids_of(entry), sources=True) == 1
    assert shown(symbolicate(place, key))[-1] == "    void dim_to(int level) { brightness = level; }"
    assert asked(place) == []


def test_many_crashes_ask_once(place: Place) -> None:
    old = outdated(place, place.symbols())
    for _ in range(3):
        symbolicate(place, place.crash())
    assert asked(place) == [old.debug_file_key]
    assert len(place.waiting()) == 3
    renewals, now = Renewals(place.settings, place.clients), time.time()
    assert not renewals.note(old, now)
    assert renewals.note(old, now + PENDING_SECONDS + 1), "its message may be lost"


def test_what_came_while_it_was_asked_for_is_used(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another crash has asked before, and the file is compiled just when this one has read the index."""
    old, key = outdated(place, place.symbols()), place.crash()
    process = Symbolication._make
    again: list[SymbolEntry] = []

    def make(*arguments: object, **more: object) -> object:
        made = process(*arguments, **more)  # type: ignore[arg-type]
        if not again:
            again.append(compiled(place, old.debug_file_key))
        return made

    monkeypatch.setattr(Symbolication, "_make", make)
    assert symbolicate(place, key).title == "Lamp::dim_to"


def test_a_message_that_cannot_be_sent_is_sent_with_the_next_try(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    old, key = outdated(place, place.symbols()), place.crash()
    with monkeypatch.context() as patched:
        patched.setattr(Queue, "send_all", lambda *_: (_ for _ in ()).throw(UnavailableError("store_failed", "no")))
        with pytest.raises(UnavailableError):
            symbolicate(place, key)
    symbolicate(place, key)
    assert asked(place) == [old.debug_file_key]


def test_nobody_is_asked_for_a_file_that_is_gone(place: Place) -> None:
    entry = place.symbols()
    SymbolIndex(place.settings, place.clients).remove_from_list(entry)
    again = CompileAgain(place.settings, place.clients, place.queues.debug_files)
    assert (again.ask([entry]), asked(place)) == (0, [])
    assert CompileAgain(place.settings, place.clients, None).ask([entry]) == 0
