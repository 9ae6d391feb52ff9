"""Rows written, removed and read many at a time."""

from __future__ import annotations

import secrets

import pytest

from cairn.store.table import WRITES, Table
from tests.store.conftest import Store


@pytest.fixture
def table(store: Store) -> Table:
    return Table(store.clients, store.settings.symbols_table)


def test_more_rows_than_a_batch_takes_are_written_and_removed(table: Table) -> None:
    pk = secrets.token_hex(8)
    table.write_many([{"pk": pk, "sk": f"{number:03}"} for number in range(2 * WRITES + 1)])
    assert len(table.query("pk = :pk", {":pk": pk})) == 2 * WRITES + 1
    table.write_many([{"pk": pk, "sk": "new"}], [(pk, f"{number:03}") for number in range(2 * WRITES + 1)])
    assert [row["sk"] for row in table.query("pk = :pk", {":pk": pk})] == ["new"]


def test_a_row_is_removed_only_if_the_condition_holds(table: Table) -> None:
    pk = secrets.token_hex(8)
    table.put({"pk": pk, "sk": "a", "seen": 2})
    assert table.delete(pk, "a", "#seen = :seen", {":seen": 1}) is False
    assert table.get(pk, "a") is not None
    assert table.delete(pk, "a", "#seen = :seen", {":seen": 2}) is True
    assert table.get(pk, "a") is None
    assert table.delete(pk, "a") is True


def test_some_rows_that_a_filter_lets_through(table: Table) -> None:
    pk = secrets.token_hex(8)
    table.write_many([{"pk": pk, "sk": f"{number:03}", "at": number % 10} for number in range(60)])
    few = table.query_some("pk = :pk", {":pk": pk, ":at": 3}, "#at < :at", 7)
    assert [row["sk"] for row in few] == ["000", "001", "002", "010", "011", "012", "020"]
    assert len(table.query_some("pk = :pk", {":pk": pk, ":at": 3}, "#at < :at", 100)) == 18


def test_only_some_attributes_are_read(table: Table) -> None:
    pk = secrets.token_hex(8)
    table.put({"pk": pk, "sk": "a", "one": 1, "two": 2})
    assert table.get(pk, "a", only="#one") == {"one": 1}


def test_a_set_is_added_to_and_taken_from_and_gone_when_empty(table: Table) -> None:
    pk = secrets.token_hex(8)
    table.put({"pk": pk, "sk": "a", "words": {"one"}})
    table.update(pk, "a", "ADD #words :more", {":more": {"two", "one"}})
    assert table.get(pk, "a", only="#words") == {"words": {"one", "two"}}
    table.update(pk, "a", "DELETE #words :less", {":less": {"one", "two", "three"}})
    assert table.get(pk, "a") == {"pk": pk, "sk": "a"}
