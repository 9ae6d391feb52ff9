"""Debug files are kept by when a crash last used them."""

from __future__ import annotations

import secrets
from collections.abc import Iterator

import pytest

from cairn.store.aws import Clients
from cairn.store.settings import Settings
from cairn.store.symbols.last_uses import DAY, LastUses
from cairn.store.symbols.symbol_index import CompileFailure, SymbolEntry, SymbolIndex
from cairn.symbols.records import Features, SymbolStatus
from tests.emulator import running_store

Store = tuple[Settings, Clients]
UPLOADED = 1_000_000_000.0


@pytest.fixture
def store() -> Iterator[Store]:
    with running_store() as made:
        yield made


def entry(sha1: str, debug_id: str | None = None, created: float = UPLOADED) -> SymbolEntry:
    debug_id = debug_id or secrets.token_hex(16)
    key = f"debug-files/{sha1}/game"
    return SymbolEntry(
        debug_id,
        None,
        "game",
        "elf",
        "exe",
        "x86_64",
        Features(symbols=True),
        f"symbols/v3/{sha1}",
        key,
        10,
        3,
        created,
    )


def puts_of(clients: Clients) -> list[str]:
    made: list[str] = []
    clients.dynamodb.meta.events.register(
        "before-call.dynamodb.*", lambda model, **_: made.append(model.name), unique_id="count"
    )
    return made


def test_a_file_is_due_when_neither_uploaded_nor_used_since(store: Store) -> None:
    index, uses = SymbolIndex(*store), LastUses(*store)
    used, unused, late = entry("a" * 40), entry("b" * 40), entry("c" * 40, created=UPLOADED + 50 * DAY)
    for one in (used, unused, late):
        index.put(one)
    index.put_failure(CompileFailure("debug-files/" + "d" * 40 + "/bad", SymbolStatus.MALFORMED, "bad", 3, UPLOADED))
    assert uses.unused_since(UPLOADED) == ()
    uses.note([used], UPLOADED + 40 * DAY)
    assert set(uses.unused_since(UPLOADED + 1)) == {"b" * 40, "d" * 40}
    assert set(uses.unused_since(UPLOADED + 41 * DAY)) == {"a" * 40, "b" * 40, "d" * 40}


def test_one_object_of_a_file_keeps_the_whole(store: Store) -> None:
    index, uses = SymbolIndex(*store), LastUses(*store)
    first, second = entry("a" * 40), entry("a" * 40)
    index.put(first)
    index.put(second)
    uses.note([second], UPLOADED + 40 * DAY)
    assert uses.unused_since(UPLOADED + 39 * DAY) == ()


def test_a_source_bundle_is_kept_likewise(store: Store) -> None:
    index, uses = SymbolIndex(*store), LastUses(*store)
    bundle = entry("a" * 40)
    index.put_sources(bundle)
    uses.note([bundle], UPLOADED + 40 * DAY)
    assert uses.unused_since(UPLOADED + 39 * DAY) == ()


def test_a_use_is_written_once_a_day_whoever_notes_it(store: Store) -> None:
    index, now = SymbolIndex(*store), UPLOADED + 40 * DAY
    file = entry("a" * 40)
    index.put(file)
    made = puts_of(store[1])
    same, other = LastUses(*store), LastUses(*store)
    same.note([file], now)
    assert made == ["BatchGetItem", "UpdateItem"]
    same.note([file], now + 60)
    assert made == ["BatchGetItem", "UpdateItem"]
    other.note([file], now + 120)
    assert made == ["BatchGetItem", "UpdateItem", "BatchGetItem"]
    other.note([file], now + DAY + 120)
    assert made[3:] == ["BatchGetItem", "UpdateItem"]


def test_a_file_that_is_gone_stays_gone(store: Store) -> None:
    index, uses = SymbolIndex(*store), LastUses(*store)
    file = entry("a" * 40)
    index.put(file)
    index.remove(file)
    index.remove_from_list(file)
    uses.note([file], UPLOADED + 40 * DAY)
    assert uses.unused_since(UPLOADED + 100 * DAY) == ()


def test_a_note_that_fails_fails_nobody(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    index, uses = SymbolIndex(*store), LastUses(*store)
    file = entry("a" * 40)
    index.put(file)
    gone = Settings(
        **{name: getattr(store[0], name) for name in ("bucket", "projects_table", "events_table")}
        | {"symbols_table": "none"}
    )
    LastUses(gone, store[1]).note([file], UPLOADED + DAY)
    assert uses.unused_since(UPLOADED + 1) == ("a" * 40,)
