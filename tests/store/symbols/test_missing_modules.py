"""The to-do list: what is counted, in which order, and which files are asked for."""

from __future__ import annotations

import secrets
from typing import Any

import pytest

from cairn.store.symbols.missing_modules import EVENTS_SHOWN, MissingModule, missing_modules
from cairn.store.symbols.waiting import WaitingCrash, WantedModule


def module(name: str = "game", **changes: Any) -> WantedModule:
    known: dict[str, Any] = {
        "debug_id": secrets.token_hex(16),
        "code_id": secrets.token_hex(20),
        "status": "missing",
        "type": "elf",
        "in_app": True,
        "lacks": ("names", "lines", "unwinding"),
    }
    return WantedModule(name, **known | changes)


def crash(received: float, *modules: WantedModule) -> WaitingCrash:
    return WaitingCrash(1, f"event-at-{received:g}", received, "upload", modules)


def names(*crashes: WaitingCrash) -> list[str]:
    return [missing.module.name for missing in missing_modules(crashes)]


def test_the_most_wanted_come_first_and_the_systems_last() -> None:
    rare, common = module("rare"), module("common")
    libc = module("libc.so.6", in_app=False)
    assert names(crash(3, rare, libc), crash(2, common, libc), crash(1, common, libc)) == [
        "common",
        "rare",
        "libc.so.6",
    ]


def test_of_those_as_wanted_the_latest_comes_first() -> None:
    assert names(crash(1, module("before")), crash(2, module("after"))) == ["after", "before"]


def test_one_module_is_counted_by_its_id_in_every_spelling() -> None:
    one = module(debug_id="ab" * 16, code_id=None, reason="not found yesterday")
    same = module(debug_id="AB" * 16 + "0", code_id=None, reason="not found today")
    (missing,) = missing_modules([crash(1, one), crash(5, same, same), crash(3, one)])
    assert (missing.crashes, missing.first_seen, missing.last_seen) == (3, 1, 5)
    assert missing.module.reason == "not found today"
    assert missing.events == ("event-at-5", "event-at-3", "event-at-1")


def test_modules_without_an_id_are_told_apart_by_name_and_no_file_would_help() -> None:
    game, plugin = module("game", debug_id=None, code_id=None), module("plugin.so", debug_id=None, code_id="0000")
    found = missing_modules([crash(2, game, plugin), crash(1, game)])
    assert [(one.module.name, one.crashes, one.files) for one in found] == [("game", 2, ()), ("plugin.so", 1, ())]
    assert {one.next_step for one in found} == {"link with -Wl,--build-id"}


def test_modules_without_an_id_come_after_those_for_which_a_file_can_be_sent() -> None:
    nameless, rare, libc = module("game", debug_id=None, code_id=None), module("rare"), module("libc", in_app=False)
    assert names(crash(2, nameless, rare, libc), crash(1, nameless, libc)) == ["rare", "game", "libc"]


@pytest.mark.parametrize(
    ("kind", "step"),
    [("pe", "link with /DEBUG"), ("macho", "link without -no_uuid"), (None, "link with -Wl,--build-id")],
)
def test_what_gives_a_program_an_id_is_said(kind: str | None, step: str) -> None:
    (missing,) = missing_modules([crash(1, module(debug_id="0" * 33, code_id=None, type=kind))])
    assert missing.next_step == step
    (known,) = missing_modules([crash(1, module(type=kind))])
    assert known.next_step is None


def test_a_few_crashes_are_named() -> None:
    one = module()
    (missing,) = missing_modules([crash(n, one) for n in range(10)])
    assert (missing.crashes, len(missing.events), missing.events[0]) == (10, EVENTS_SHOWN, "event-at-9")


def test_nothing_is_missing() -> None:
    assert missing_modules([]) == ()


@pytest.mark.parametrize(
    ("changes", "files"),
    [
        ({}, ("game.debug", "game")),
        ({"lacks": ("lines",)}, ("game.debug", "game")),
        ({"lacks": ("unwinding",)}, ("game",)),
        ({"name": "game.exe", "type": "pe", "debug_file": "The Game.pdb"}, ("The Game.pdb", "game.exe")),
        ({"name": "game.exe", "type": "pe", "debug_file": "a.pdb", "lacks": ("unwinding",)}, ("game.exe",)),
        ({"name": "game.exe", "type": "pe", "lacks": ("names", "lines")}, ("game.pdb",)),
        ({"type": "macho", "lacks": ("lines",)}, ("game.dSYM",)),
        ({"type": "macho"}, ("game.dSYM", "game")),
        ({"type": "unknown"}, ("game",)),
        ({"type": None, "lacks": None, "debug_file": "game.pdb"}, ("game.pdb", "game")),
    ],
    ids=lambda value: "-".join(map(str, value.values() if isinstance(value, dict) else value)) or "all",
)
def test_the_files_to_look_for(changes: dict[str, Any], files: tuple[str, ...]) -> None:
    assert MissingModule(module(**changes), 1, 0, 0, ()).files == files


def test_a_hostile_name_does_nothing_to_a_terminal() -> None:
    (missing,) = missing_modules([crash(1, module("\x1b]0;x\x07game\n", debug_file="\u202eexe.pdb"))])
    assert (missing.module.name, missing.module.debug_file) == ("_]0;x_game_", "_exe.pdb")
