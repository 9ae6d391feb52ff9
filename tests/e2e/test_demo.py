"""`cairn demo`, with a Cairn that runs already."""

from __future__ import annotations

from dataclasses import replace

from cairn.store.symbols.symbol_index import SymbolIndex
from cairn_cli.demo.command import PROGRAM
from tests.cli.command import cairn
from tests.e2e.conftest import Running

FRAME = "0  Lamp::dim_to                  lighthouse.cpp:11"


def test_the_demo_shows_functions_and_lines(running: Running) -> None:
    done = cairn("demo", environment=running.environment)
    assert (done.code, FRAME in done.out) == (0, True), done.out + done.err


def test_the_demo_shows_them_where_an_older_cairn_compiled_the_sample(running: Running) -> None:
    running.symbols(PROGRAM)
    index = SymbolIndex(running.target.settings, running.target.clients)
    (entry,) = (entry for entry in index.list() if entry.name == PROGRAM.name)
    index.remove(entry)
    index.remove_from_list(entry)
    index.put(replace(entry, version=entry.version - 1))
    done = cairn("demo", environment=running.environment)
    assert (done.code, FRAME in done.out) == (0, True), done.out + done.err
