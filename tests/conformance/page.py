"""The page of conformance: rows of what is wanted, the tests that show it, and how they ended."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
ROWS = Path(__file__).parent / "rows.toml"
PAGE = ROOT / "docs/conformance.md"

HEAD = """# Conformance

What clients of Sentry depend on, and the tests that show that Cairn does the same. `make conformance` runs them and
writes this page; a test holds the page to what is tested. How each thing works is in
[sending crashes](sending-crashes.md).
"""


@dataclass(frozen=True)
class Row:
    """Something that is ``wanted``, the ids of its ``tests`` as pytest has them, and what of it is ``not_met``."""

    what: str
    wanted: str
    tests: tuple[str, ...]
    not_met: str | None = None


@dataclass(frozen=True)
class Table:
    """Rows that belong together."""

    title: str
    intro: str
    rows: tuple[Row, ...]


def tables() -> tuple[Table, ...]:
    """All rows, as the file has them."""
    return tuple(
        Table(table["title"], table["intro"], tuple(map(row_of, table["row"])))
        for table in tomllib.loads(ROWS.read_text())["table"]
    )


def row_of(entry: Mapping[str, object]) -> Row:
    """A row of the file."""
    tests = entry["tests"]
    assert isinstance(tests, list)
    not_met = entry.get("not_met")
    return Row(
        str(entry["what"]),
        str(entry["wanted"]),
        tuple(f"tests/{test}" for test in tests),
        str(not_met) if not_met else None,
    )


def wanted_tests() -> list[str]:
    """The ids of all tests, each once."""
    return list(dict.fromkeys(test for table in tables() for row in table.rows for test in row.tests))


def verdict(row: Row, failed: frozenset[str]) -> str:
    """How a row stands. ``failed`` are the ids in the rows of which a case did not pass."""
    if failed & set(row.tests):
        return "**fail**"
    if row.not_met:
        return "in part" if row.tests else "**not met**"
    return "pass"


def rendered(failed: frozenset[str] = frozenset()) -> str:
    """The page."""
    return HEAD + "".join(f"\n{line}" for table in tables() for line in lines_of(table, failed)) + "\n"


def lines_of(table: Table, failed: frozenset[str]) -> Iterator[str]:
    """A table of the page, and what of it is not met."""
    yield f"## {table.title}\n\n{table.intro}\n"
    yield "| # | what | wanted | stands | tests |"
    yield "| --- | --- | --- | --- | --- |"
    for number, row in enumerate(table.rows, 1):
        yield f"| {number} | {row.what} | {row.wanted} | {verdict(row, failed)} | {names(row)} |"
    if missing := [(number, row.not_met) for number, row in enumerate(table.rows, 1) if row.not_met]:
        yield "\nNot met:\n"
        for number, text in missing:
            yield f"- {number}: {text}."
    yield ""


def names(row: Row) -> str:
    """The tests of a row, a link to each file."""
    files: dict[str, int] = {}
    for test in row.tests:
        path = test.partition("::")[0]
        files[path] = files.get(path, 0) + 1
    return ", ".join(f"[{path.removeprefix('tests/')}](../{path}) ({count})" for path, count in files.items())
