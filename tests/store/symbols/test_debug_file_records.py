"""What became of debug files."""

from __future__ import annotations

import secrets
from dataclasses import replace

import pytest

from cairn.store.symbols.debug_file_records import DebugFileRecord, DebugFileRecords
from cairn.store.symbols.symbol_index import SymbolEntry, SymbolIndex
from cairn.symbols.records import Features
from tests.store.conftest import Store


@pytest.fixture
def records(store: Store) -> DebugFileRecords:
    return DebugFileRecords(store.settings, store.clients)


def new_entry() -> SymbolEntry:
    debug_id, key = secrets.token_hex(16), f"debug-files/{secrets.token_hex(20)}/game.src.zip"
    features = Features(sources=True)
    return SymbolEntry(debug_id, None, "game.src.zip", "sourcebundle", "src", "x86_64", features, key, key, 10, 2, 1.5)


def record_with(entry: SymbolEntry) -> DebugFileRecord:
    return DebugFileRecord(entry.debug_file_key, 10, (entry,), None, 2, 1.5)


def test_a_record_is_found_by_the_hash_of_the_file(records: DebugFileRecords) -> None:
    one, other = record_with(new_entry()), record_with(new_entry())
    records.put(one)
    assert records.find([one.sha1, other.sha1]) == {one.sha1: one}


def test_a_refusal_is_kept_with_its_reason(records: DebugFileRecords) -> None:
    refused = replace(record_with(new_entry()), entries=(), reason="it is no debug file")
    records.put(refused)
    assert records.find([refused.sha1]) == {refused.sha1: refused}


def test_what_a_newer_compiler_said_stays(records: DebugFileRecords) -> None:
    newer = record_with(new_entry())
    records.put(newer)
    records.put(replace(newer, entries=(), reason="too new for me", version=1))
    assert records.find([newer.sha1]) == {newer.sha1: newer}


def test_source_bundles_are_found_as_sources_and_never_as_symbols(store: Store) -> None:
    index, entry = SymbolIndex(store.settings, store.clients), new_entry()
    index.put_sources(entry)
    assert entry.debug_id
    assert index.find_sources([entry.debug_id.upper()]) == {entry.debug_id.upper(): (entry,)}
    assert index.find([(entry.debug_id, None)]) == {(entry.debug_id, None): ()}
    assert entry in index.list()
    assert index.find_sources(["0" * 32]) == {}
