"""The symbol index: candidates, spellings of ids, and a whole dump at once."""

from __future__ import annotations

import secrets
import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest

from cairn.store.errors import UnavailableError
from cairn.store.symbols.symbol_index import ID_LIMIT, CompileFailure, SymbolEntry, SymbolIndex
from cairn.symbols.records import Features, SymbolStatus
from tests.store.conftest import Store


@pytest.fixture
def index(store: Store) -> SymbolIndex:
    return SymbolIndex(store.settings, store.clients)


def entry(**changes: Any) -> SymbolEntry:
    sha1 = secrets.token_hex(20)
    made = SymbolEntry(
        debug_id=str(uuid.uuid4()),
        code_id=secrets.token_hex(20),
        name="libpaint.so",
        format="elf",
        kind="debug",
        arch="x86_64",
        features=Features(symbols=True, unwind_info=True),
        key=f"symbols/{sha1}.csym",
        debug_file_key=f"debug-files/{sha1}/libpaint.so.debug",
        size=12345,
        version=1,
        created=1_767_225_600.0,
    )
    return replace(made, **changes)


def test_an_entry_is_found_by_either_id(index: SymbolIndex) -> None:
    made = entry()
    index.put(made)
    both, debug, code = (made.debug_id, made.code_id), (made.debug_id, None), (None, made.code_id)
    assert index.find([both, debug, code]) == {both: (made,), debug: (made,), code: (made,)}


def test_an_entry_with_one_id_is_found_by_it(index: SymbolIndex) -> None:
    for made in (entry(debug_id=None), entry(code_id=None)):
        index.put(made)
        pair = (made.debug_id, made.code_id)
        assert index.find([pair]) == {pair: (made,)}
        assert made in index.list()


def test_an_entry_without_an_id_is_refused(index: SymbolIndex) -> None:
    with pytest.raises(ValueError, match="neither debug id nor code id"):
        index.put(entry(debug_id=None, code_id=""))


def test_an_id_is_found_in_every_spelling(index: SymbolIndex) -> None:
    made = entry(debug_id="DFB8E43A-F242-3D73-A453-AEB6A777EF75", code_id="5AB380779000")
    index.put(made)
    spellings = [
        ("dfb8e43a-f242-3d73-a453-aeb6a777ef75", None),
        ("dfb8e43a-f242-3d73-a453-aeb6a777ef75-0", None),
        ("DFB8E43AF2423D73A453AEB6A777EF750", None),
        (None, "5ab380779000"),
    ]
    assert index.find(spellings) == {pair: (made,) for pair in spellings}
    other_age = ("dfb8e43a-f242-3d73-a453-aeb6a777ef75-1", None)
    assert index.find([other_age]) == {other_age: ()}


def test_ids_that_say_nothing_find_nothing(index: SymbolIndex) -> None:
    nothing = [(None, None), ("", ""), ("0" * 33, "0" * 40), ("x" * 5000, "ab" * ID_LIMIT), (str(uuid.UUID(int=0)), "")]
    assert index.find(nothing) == dict.fromkeys(nothing, ())
    assert index.find([]) == {}


def test_an_id_has_several_candidates_latest_first(index: SymbolIndex) -> None:
    debug_id = str(uuid.uuid4())
    made = [entry(debug_id=debug_id, created=1000.5 + n) for n in range(3)]
    for one in (made[1], made[2], made[0]):
        index.put(one)
    assert index.find([(debug_id, None)])[debug_id, None] == (made[2], made[1], made[0])


def test_what_the_debug_id_finds_comes_before_what_the_code_id_finds(index: SymbolIndex) -> None:
    by_debug, by_code = entry(created=1.0), entry(created=2.0)
    index.put(by_debug)
    index.put(by_code)
    pair = (by_debug.debug_id, by_code.code_id)
    assert index.find([pair])[pair] == (by_debug, by_code)


def test_again_and_out_of_order_the_newest_compiler_wins(index: SymbolIndex) -> None:
    old = entry()
    new = replace(old, version=2, key="symbols/new.csym", created=old.created + 1)
    for one in (new, old, new, old):
        index.put(one)
    pair = (old.debug_id, old.code_id)
    assert index.find([pair])[pair] == (new,)
    assert [found for found in index.list() if found.debug_file_key == old.debug_file_key] == [new]


def test_many_writers_of_one_id_lose_nothing(index: SymbolIndex) -> None:
    debug_id = str(uuid.uuid4())
    made = [entry(debug_id=debug_id) for _ in range(16)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(index.put, made + made))
    found = index.find([(debug_id, None)])[debug_id, None]
    assert len(found) == 16
    assert set(found) == set(made)


def test_three_hundred_modules_take_one_round(index: SymbolIndex, store: Store) -> None:
    there = [entry() for _ in range(30)]
    for one in there:
        index.put(one)
    missing = [(str(uuid.uuid4()), secrets.token_hex(20)) for _ in range(270)]
    asked = [(one.debug_id, one.code_id) for one in there] + missing
    calls = []
    store.clients.dynamodb.meta.events.register_first(
        "before-call.dynamodb.BatchGetItem", lambda **_: calls.append(1), unique_id="count"
    )
    found = index.find(asked + asked)
    store.clients.dynamodb.meta.events.unregister("before-call.dynamodb.BatchGetItem", unique_id="count")
    assert len(calls) == 6
    assert list(found) == asked
    assert [found[one.debug_id, one.code_id] for one in there] == [(one,) for one in there]
    assert all(found[pair] == () for pair in missing)


def leave_unprocessed(store: Store, times: int) -> list[int]:
    """Make the next answers hand back all but the first key, as DynamoDB does when it is pressed."""
    asked: list[int] = []

    def cut(parsed: dict[str, Any], **_: Any) -> None:
        responses = parsed["Responses"][store.settings.symbols_table]
        asked.append(len(responses))
        if len(asked) <= times and len(responses) > 1:
            left = [{"pk": item["pk"], "sk": item["sk"]} for item in responses[1:]]
            parsed["Responses"][store.settings.symbols_table] = responses[:1]
            parsed["UnprocessedKeys"] = {store.settings.symbols_table: {"Keys": left}}

    store.clients.dynamodb.meta.events.register("after-call.dynamodb.BatchGetItem", cut, unique_id="cut")
    return asked


def test_keys_left_unprocessed_are_asked_again(index: SymbolIndex, store: Store) -> None:
    made = [entry(code_id=None) for _ in range(3)]
    for one in made:
        index.put(one)
    asked = leave_unprocessed(store, times=2)
    found = index.find([(one.debug_id, None) for one in made])
    store.clients.dynamodb.meta.events.unregister("after-call.dynamodb.BatchGetItem", unique_id="cut")
    assert asked == [3, 2, 1]
    assert {one for (one,) in found.values()} == set(made)


def test_keys_left_for_good_are_an_error(index: SymbolIndex, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cairn.store.table.BATCH_TRIES", 1)
    made = [entry(code_id=None) for _ in range(2)]
    for one in made:
        index.put(one)
    leave_unprocessed(store, times=1)
    with pytest.raises(UnavailableError, match="1 keys left unread") as caught:
        index.find([(one.debug_id, None) for one in made])
    store.clients.dynamodb.meta.events.unregister("after-call.dynamodb.BatchGetItem", unique_id="cut")
    assert caught.value.code == "store_throttled"


def test_a_failure_is_remembered_with_its_reason(index: SymbolIndex) -> None:
    key = f"debug-files/{secrets.token_hex(20)}/a.pdb"
    assert index.failure(key) is None
    first = CompileFailure(key, SymbolStatus.TIMEOUT, "took longer than 60 s", 1, 1000.0, 4600.5)
    index.put_failure(first)
    index.put_failure(first)
    assert index.failure(key) == first
    last = CompileFailure(key, SymbolStatus.MALFORMED, "no stream 3", 1, 2000.5)
    index.put_failure(last)
    assert index.failure(key) == last


def test_files_that_failed_are_listed_until_they_are_forgotten(index: SymbolIndex) -> None:
    key = f"debug-files/{secrets.token_hex(20)}/noise.bin"
    index.put_failure(CompileFailure(key, SymbolStatus.UNSUPPORTED, "it is no debug file", 1, 1.0))
    index.put_failure(CompileFailure(key, SymbolStatus.UNSUPPORTED, "it is still none", 2, 2.0))
    assert index.failed().count(key) == 1
    index.forget_failure(key)
    assert key not in index.failed()
    assert index.failure(key) is None
