"""Where servers keep files: each layout as its source says, and nothing of a dump that could lead elsewhere."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cairn.symbols.sources.built_in import BUILT_IN
from cairn.symbols.sources.layouts import locations, paths, stored_name
from cairn.symbols.sources.records import FILE_TYPES, FileType, Layout, ModuleFormat, Role, Source, SourceModule
from tests.symbols.sources.modules import LINUX, MAC, WINDOWS

ID = "3249D99D0C4049318610F4E4FB0B6936"
BUILD_ID = "b72467fd1af452eda50d2a528577107706ab1f8c"


@pytest.mark.parametrize(
    ("layout", "file_type", "module", "expected"),
    [
        (Layout.SYMSTORE, FileType.PDB, WINDOWS, [f"Game.pdb/{ID}1b/Game.pdb", f"Game.pdb/{ID}1b/Game.pd_"]),
        (
            Layout.SYMSTORE,
            FileType.PE,
            WINDOWS,
            ["Game.exe/5EDF2A1C12f000/Game.exe", "Game.exe/5EDF2A1C12f000/Game.ex_"],
        ),
        (Layout.SYMSTORE, FileType.ELF_CODE, LINUX, [f"libgame.so.1/elf-buildid-{BUILD_ID}/libgame.so.1"]),
        (Layout.SYMSTORE, FileType.ELF_DEBUG, LINUX, [f"_.debug/elf-buildid-sym-{BUILD_ID}/_.debug"]),
        (Layout.SYMSTORE, FileType.MACH_CODE, MAC, [f"Game/mach-uuid-{ID.lower()}/Game"]),
        (Layout.SYMSTORE, FileType.MACH_DEBUG, MAC, [f"_.dwarf/mach-uuid-sym-{ID.lower()}/_.dwarf"]),
        (Layout.SYMSTORE, FileType.BREAKPAD, WINDOWS, []),
        (
            Layout.SYMSTORE_INDEX2,
            FileType.PDB,
            WINDOWS,
            [f"Ga/Game.pdb/{ID}1b/Game.pdb", f"Ga/Game.pdb/{ID}1b/Game.pd_"],
        ),
        (
            Layout.SYMSTORE_INDEX2,
            FileType.ELF_CODE,
            replace(LINUX, code_file="a.out"),
            [f"a/a.out/elf-buildid-{BUILD_ID}/a.out"],
        ),
        (
            Layout.SSQP,
            FileType.PDB,
            WINDOWS,
            [f"game.pdb/{ID.lower()}1b/game.pdb", f"game.pdb/{ID.lower()}1b/game.pd_"],
        ),
        (
            Layout.SSQP,
            FileType.PE,
            WINDOWS,
            [
                "game.exe/5EDF2A1C12f000/game.exe",
                "game.exe/5edf2a1c12f000/game.exe",
                "game.exe/5EDF2A1C12f000/game.ex_",
                "game.exe/5edf2a1c12f000/game.ex_",
            ],
        ),
        (Layout.SSQP, FileType.ELF_DEBUG, LINUX, [f"_.debug/elf-buildid-sym-{BUILD_ID}/_.debug"]),
        (Layout.BREAKPAD, FileType.BREAKPAD, WINDOWS, [f"Game.pdb/{ID}1b/Game.sym"]),
        (
            Layout.BREAKPAD,
            FileType.BREAKPAD,
            LINUX,
            ["libgame.so.1/FD6724B7F41AED52A50D2A52857710770/libgame.so.1.sym"],
        ),
        (Layout.BREAKPAD, FileType.BREAKPAD, MAC, [f"Game/{ID}0/Game.sym"]),
        (Layout.BREAKPAD, FileType.PDB, WINDOWS, []),
        (Layout.DEBUGINFOD, FileType.ELF_CODE, LINUX, [f"buildid/{BUILD_ID}/executable"]),
        (Layout.DEBUGINFOD, FileType.ELF_DEBUG, LINUX, [f"buildid/{BUILD_ID}/debuginfo"]),
        (Layout.DEBUGINFOD, FileType.PDB, WINDOWS, []),
        (Layout.UNIFIED, FileType.ELF_CODE, LINUX, [f"b7/{BUILD_ID[2:]}/executable"]),
        (Layout.UNIFIED, FileType.ELF_DEBUG, LINUX, [f"b7/{BUILD_ID[2:]}/debuginfo"]),
        (Layout.UNIFIED, FileType.BREAKPAD, LINUX, [f"b7/{BUILD_ID[2:]}/breakpad"]),
        (Layout.UNIFIED, FileType.MACH_DEBUG, MAC, [f"32/{ID[2:].lower()}/debuginfo"]),
        (Layout.UNIFIED, FileType.PDB, WINDOWS, [f"32/{ID[2:].lower()}1b/debuginfo"]),
        (Layout.UNIFIED, FileType.PE, WINDOWS, [f"32/{ID[2:].lower()}1b/executable"]),
    ],
)
def test_each_layout_has_its_paths(
    layout: Layout, file_type: FileType, module: SourceModule, expected: list[str]
) -> None:
    assert list(paths(module, file_type, layout)) == expected


def test_an_old_pdb_has_its_signature_for_an_id() -> None:
    old = replace(WINDOWS, debug_id="3f2a1b4c-2")
    assert paths(old, FileType.PDB, Layout.SYMSTORE)[0] == "Game.pdb/3F2A1B4C2/Game.pdb"


def test_addresses_are_escaped_and_keys_of_s3_are_not() -> None:
    module = replace(WINDOWS, debug_file="a b%2f?#ü+.pdb")
    web = Source("web", "https://symbols.example/x", Layout.SYMSTORE)
    s3 = Source("s3", "s3://bucket/x", Layout.SYMSTORE)
    name = "a%20b%252f%3F%23%C3%BC%2B.pdb"
    assert locations(module, FileType.PDB, web)[0] == f"https://symbols.example/x/{name}/{ID}1b/{name}"
    assert locations(module, FileType.PDB, s3)[0] == f"s3://bucket/x/a b%2f?#ü+.pdb/{ID}1b/a b%2f?#ü+.pdb"


def test_a_source_is_not_asked_for_what_it_does_not_have() -> None:
    assert locations(WINDOWS, FileType.PDB, BUILT_IN["microsoft"])
    assert not locations(LINUX, FileType.ELF_CODE, BUILT_IN["microsoft"])
    assert not locations(WINDOWS, FileType.PDB, BUILT_IN["debian"])
    assert locations(LINUX, FileType.ELF_DEBUG, BUILT_IN["debian"]) == (
        f"https://debuginfod.debian.net/buildid/{BUILD_ID}/debuginfo",
    )


@pytest.mark.parametrize("name", ["", ".", "..", "/", "a\0b", "a\nb", "a\x7fb", "n" * 256, "ü" * 128, "a\ud800"])
def test_a_name_that_is_no_name_asks_nothing(name: str) -> None:
    module = replace(WINDOWS, code_file=name, debug_file=name)
    assert not paths(module, FileType.PE, Layout.SYMSTORE)
    assert not paths(module, FileType.PDB, Layout.SYMSTORE)
    assert stored_name(module, FileType.PDB) == "module.pdb"


@pytest.mark.parametrize(
    "wrong", ["../../etc", "00000000", "0" * 32, "3249d99d/../x", "", "5EDF2A1C12f000" * 10, "g" * 12]
)
def test_an_id_that_is_none_asks_nothing(wrong: str) -> None:
    for module in (WINDOWS, LINUX, MAC):
        bad = replace(module, code_id=wrong, debug_id=wrong)
        for file_type in FileType:
            for layout in Layout:
                assert not paths(bad, file_type, layout)


text = st.one_of(
    st.none(), st.text(), st.sampled_from(["../..", "..\\..", "%2e%2e/", "a/../../b", "\u2024\u2024/", "x"])
)
ids = st.one_of(text, st.from_regex(r"[0-9a-fA-F]{8,40}(-[0-9a-f]{1,8})?", fullmatch=True))


@given(st.builds(SourceModule, st.sampled_from(ModuleFormat), text, text, ids, ids))
def test_no_dump_leads_out_of_a_server(module: SourceModule) -> None:
    for file_type in FileType:
        assert "/" not in stored_name(module, file_type)
        for layout in Layout:
            for path in paths(module, file_type, layout):
                parts = path.split("/")
                assert len(parts) in (3, 4)
                assert not {"", ".", ".."} & set(parts)
                assert "\\" not in path
            for address in locations(module, file_type, Source("x", "https://a.example", layout)):
                assert address.startswith("https://a.example/")
                assert not set("?#\\ ") & set(address)


def test_every_role_has_its_files() -> None:
    assert {key for key in FILE_TYPES} == {(form, role) for form in ModuleFormat for role in Role}


def test_the_built_in_servers_are_what_they_say() -> None:
    for name, source in BUILT_IN.items():
        assert source.name == name
        assert source.built_in
        assert source.url.startswith(("https://", "http://"))
        assert not source.url.endswith("/")
        assert any(locations(m, kind, source) for m in (WINDOWS, LINUX, MAC) for kind in FileType)
    for maker in ("microsoft", "mozilla", "chromium", "electron", "unity", "nvidia", "amd", "intel", "debian"):
        assert maker in BUILT_IN
