"""The first source bundle of a deployment: crashes of old symbols, which did not wait for one, show their source."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from cairn.pipeline.debug_files import first_sources
from cairn.pipeline.debug_files.compile_debug_file import Compilation, CompiledDebugFile
from cairn.pipeline.debug_files.first_sources import FirstSources
from cairn.pipeline.debug_files.wake_waiting import Queues
from cairn.store.queues import Queue
from cairn.store.symbols.debug_files import DebugFiles
from cairn.store.symbols.symbol_index import SymbolIndex
from tests.emulator import running_store
from tests.pipeline.debug_files.test_wake_waiting import Place, ids_of, shown
from tests.symbols.source_code.source_bundles import sample_bundle


@pytest.fixture
def place(monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    """One whose symbols are all old."""
    monkeypatch.setattr("cairn.pipeline.symbolicating.source_finder.FRESH", -1)
    with running_store() as (settings, clients):
        urls = [clients.sqs.create_queue(QueueName=name)["QueueUrl"] for name in ("crashes", "files")]
        yield Place(settings, clients, Queues(*(Queue(clients, url) for url in urls)))


def bundle(place: Place, folder: Path, debug_id: str | None = None) -> CompiledDebugFile:
    path = folder / f"{debug_id}.src.zip"
    path.write_bytes(sample_bundle(debug_id) if debug_id else sample_bundle())
    key = DebugFiles(place.settings, place.clients).put(path, path.name)
    return Compilation(place.settings, place.clients).run(key)


def tell(place: Place) -> int:
    return FirstSources(place.settings, place.clients, place.queues.crashes).run()


def test_crashes_from_before_show_their_source(place: Place, tmp_path: Path) -> None:
    place.symbols()
    key = place.crash()
    assert shown(place.symbolicate(key)) == [None] * 6
    done = bundle(place, tmp_path)
    assert done.first_sources
    assert place.wake(ids_of(done.entries[0]), sources=True) == 0, "it did not wait"
    assert (tell(place), place.woken()) == (1, [key])
    assert shown(place.symbolicate(key))[-1] == "    void dim_to(int level) { brightness = level; }"


def test_crashes_from_before_wait_for_the_other_bundles(place: Place, tmp_path: Path) -> None:
    place.symbols()
    key = place.crash()
    place.symbolicate(key)
    assert bundle(place, tmp_path, "f" * 32).first_sources
    tell(place)
    assert place.woken() == [key]
    assert shown(place.symbolicate(key)) == [None] * 6
    done = bundle(place, tmp_path)
    assert not done.first_sources
    assert place.wake(ids_of(done.entries[0]), sources=True) == 1


def test_they_are_told_once_but_for_what_broke_off(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = place.crash()
    assert bundle(place, tmp_path).first_sources
    assert bundle(place, tmp_path, "f" * 32).first_sources, "the message may be lost"
    with monkeypatch.context() as patched, pytest.raises(RuntimeError):
        patched.setattr(SymbolIndex, "tell_sources", lambda *_: (_ for _ in ()).throw(RuntimeError))
        tell(place)
    assert (tell(place), tell(place), tell(place)) == (1, 0, 0)
    assert place.woken() == [key, key]
    assert not bundle(place, tmp_path, "e" * 32).first_sources


def test_the_last_crashes_of_every_project_are_told(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(first_sources, "PER_PROJECT", 3)
    monkeypatch.setattr(first_sources, "MOST", 5)
    days = ("2026-11-01", "2026-11-02")
    keys = [f"crashes/{project}/{day}/{n:032x}/" for project in (1, 2, 30) for day in days for n in (1, 2)]
    for key in keys:
        for name in ("dump", "upload.json"):
            place.clients.s3.put_object(Bucket=place.settings.bucket, Key=key + name, Body=b"{}")
    gone = "crashes/1/2026-11-03/00000000000000000000000000000009/upload.json"
    place.clients.s3.put_object(Bucket=place.settings.bucket, Key=gone, Body=b"{}")
    place.clients.s3.put_object(Bucket=place.settings.bucket, Key="crashes/sweep/x", Body=b"")
    assert tell(place) == 5
    told = place.woken()
    assert told == sorted(f"{key}upload.json" for key in (keys[2], keys[3], keys[0], keys[6], keys[7]))


def test_an_index_knows_whether_it_was_told(place: Place, tmp_path: Path) -> None:
    index = SymbolIndex(place.settings, place.clients)
    assert not index.are_sources_told()
    bundle(place, tmp_path)
    index.tell_sources(time.time())
    bundle(place, tmp_path)
    assert index.are_sources_told() and index.has_sources(), "a bundle leaves it as it is"
