"""The arrows of the house: who may import whom."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
LIBRARY = ROOT / "layers/cairn/python"

ROOMS = {
    "minidump": {"minidump"},
    "symbols": {"symbols"},
    "unwind": {"unwind", "minidump", "symbols"},
    "crash": {"crash", "minidump", "unwind", "symbols"},
    "intake": {"intake"},
    "servers": {"servers", "symbols"},
    "privacy": {"privacy", "minidump", "crash"},
    "store": {"store", "intake", "minidump", "symbols", "crash", "privacy"},
    "pipeline": {"pipeline", "minidump", "unwind", "symbols", "crash", "privacy", "intake", "servers", "store"},
    "web": {"web", "store", "symbols"},
}
"""Room of the library to the rooms it may import. ``store`` keeps the records of the others."""

INNER_ROOMS: dict[str, dict[str, set[str]]] = {
    "symbols": {
        "formats": {"formats"},
        "ranges": {"ranges"},
        "unwind_data": {"unwind_data", "formats"},
        "symbol_file": {"symbol_file", "ranges", "unwind_data"},
        "source_code": {"source_code", "ranges"},
        "compiling": {"compiling", "formats", "unwind_data", "symbol_file", "source_code"},
        "arriving": {"arriving", "formats", "compiling"},
        "sources": {"sources", "arriving", "compiling"},
        "local": {"local", "arriving", "compiling", "symbol_file", "source_code", "ranges"},
    },
    "store": {"crashes": {"crashes"}, "symbols": {"symbols", "crashes"}},
    "pipeline": {
        "accepting": {"accepting"},
        "symbolicating": {"symbolicating"},
        "debug_files": {"debug_files"},
    },
}
"""The same within a room. What lies in none of its inner rooms serves all of them."""

SOLE_IMPORTERS = {
    "capstone": "cairn/crash/analysis/decode.py",
    "symbolic": "cairn/symbols/compiling/libsymbolic.py",
    "boto3": "cairn/store/",
    "botocore": "cairn/store/",
}
"""A dependency with one door, and the door."""


def imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


def sources(*folders: str) -> list[Path]:
    return [path for folder in folders for path in sorted((ROOT / folder).rglob("*.py"))]


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_looks_only_where_it_may(room: str) -> None:
    files = list((LIBRARY / "cairn" / room).rglob("*.py"))
    assert files
    for path in files:
        rooms = {name.split(".")[1] for name in imports(path) if name.startswith("cairn.") and "." in name}
        assert rooms <= ROOMS[room], f"{path} imports {rooms - ROOMS[room]}"


@pytest.mark.parametrize(("room", "inner"), [(room, inner) for room in INNER_ROOMS for inner in INNER_ROOMS[room]])
def test_an_inner_room_looks_only_where_it_may(room: str, inner: str) -> None:
    files = list((LIBRARY / "cairn" / room / inner).rglob("*.py"))
    assert files
    for path in files:
        parts = (name.split(".") for name in imports(path) if name.startswith(f"cairn.{room}."))
        rooms = {part[2] for part in parts} & set(INNER_ROOMS[room])
        assert rooms <= INNER_ROOMS[room][inner], f"{path} imports {rooms - INNER_ROOMS[room][inner]}"


@pytest.mark.parametrize(
    ("folder", "rooms"), [("", set(ROOMS)), *((room, set(inner)) for room, inner in INNER_ROOMS.items())]
)
def test_every_room_is_named(folder: str, rooms: set[str]) -> None:
    folders = {path.name for path in (LIBRARY / "cairn" / folder).iterdir() if path.is_dir() and path.name[0] != "_"}
    assert folders == rooms


def test_nothing_in_the_library_imports_functions_cli_or_infra() -> None:
    for path in sources("layers/cairn/python"):
        assert not {name.split(".")[0] for name in imports(path)} & {"functions", "services", "cairn_cli", "infra"}, (
            path
        )


@pytest.mark.parametrize("package", SOLE_IMPORTERS)
def test_a_dependency_has_one_door(package: str) -> None:
    door = SOLE_IMPORTERS[package]
    for path in sources("layers/cairn/python", "functions", "services"):
        if package in {name.split(".")[0] for name in imports(path)}:
            assert str(path.relative_to(ROOT)).removeprefix("layers/cairn/python/").startswith(door), path
