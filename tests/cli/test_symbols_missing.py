"""How the to-do list of symbols is worded."""

from __future__ import annotations

import pytest

from cairn.store.symbols.missing_modules import MissingModule
from cairn.store.symbols.waiting import WantedModule
from cairn_cli.symbols.missing import told


@pytest.mark.parametrize(
    ("crashes", "since"),
    [(1, "1970-01-01 00:01:40 UTC"), (2, "1970-01-01 00:01:40 UTC, last 1970-01-01 00:03:20 UTC")],
)
def test_one_crash_has_one_time(crashes: int, since: str) -> None:
    module = WantedModule("game", "3249d99d-0c40-4931-8610-f4e4fb0b6936", None, "missing", "game has no names")
    lines = [line.plain for line in told(MissingModule(module, crashes, 100, 200, ("ab" * 16,)), ())]
    assert f"    since     {since}" in lines
    assert "    tried     game has no names" in lines
