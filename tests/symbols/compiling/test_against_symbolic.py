"""What Cairn's symbol files answer, against what ``symbolic`` itself answers from the same debug file."""

from __future__ import annotations

import random
import re
from pathlib import Path
from typing import Any

import pytest
from symbolic.debuginfo import Archive

from cairn.symbols.compiling.compiler import compile_here
from cairn.symbols.compiling.demangle import readable
from cairn.symbols.compiling.symcache import SymCache
from cairn.symbols.formats.elf import Elf
from cairn.symbols.ranges.blob import FileBlob
from cairn.symbols.rules import CfiRule
from cairn.symbols.symbol_file.reader import SymbolFile
from tests.symbols.programs import build

CORPUS = Path(__file__).parents[4] / "shared/corpus"
LIBC = Path("/lib/x86_64-linux-gnu/libc.so.6")
FLAGS = (
    ("-O2", "-g"),
    ("-O0", "-g", "-gz=zlib"),
    ("-O3", "-g", "-gdwarf-4", "-flto"),
    ("-O2",),
    ("-O2", "-s"),
    ("-O2", "-g", "-Wl,--build-id=none"),
    ("-O2", "-g", "-no-pie"),
)


def offsets_of(cache: SymCache, count: int = 700) -> list[int]:
    """Starts of ranges, their neighbours, and addresses in between."""
    starts = list(cache.starts)
    chosen = random.Random(1).sample(starts, min(len(starts), count))
    near = {start + step for start in chosen for step in (-1, 0, 1)}
    end = starts[-1] + 4096
    return sorted(offset for offset in near | {random.Random(2).randrange(end) for _ in range(count)} if offset >= 0)


def expected(line: Any, *, is_outermost: bool) -> tuple[Any, ...]:
    language = line.lang if line.lang != "unknown" else None
    entry = line.sym_addr if is_outermost else None
    has_file = line.full_path is not None
    return (
        line.symbol,
        readable(line.symbol),
        line.full_path,
        (line.line or None) if has_file else None,
        language,
        entry,
    )


def check_names(path: Path, folder: Path) -> int:
    """Compare all look-ups; returns how many had an answer."""
    archive = Archive.open(str(path))
    compiled = compile_here(path, folder)
    assert len(compiled) == archive.object_count
    answered = 0
    for number, one in enumerate(compiled):
        handle = archive._get_object(number)
        native: Any = handle.make_symcache()
        data = native.open_stream().read()
        file = SymbolFile.open(FileBlob(one.path))
        assert file.debug_id == (None if handle.debug_id.startswith("0" * 8 + "-0000-") else handle.debug_id)
        if not (offsets := offsets_of(SymCache(data)) if SymCache(data).range_count else []):
            continue
        ends = symbol_ends(path)
        for offset, locations in file.locate(offsets).items():
            lines = native.lookup(offset)
            if not locations:
                assert not lines or offset >= ends[lines[0].sym_addr]
                continue
            answered += 1
            assert file.has_function(offset)
            seen = [(at.symbol, at.function, at.file, at.line, at.language, at.entry) for at in locations]
            assert seen == [expected(line, is_outermost=line is lines[-1]) for line in lines], hex(offset)
    return answered


def symbol_ends(path: Path) -> dict[int, int]:
    with path.open("rb") as file:
        if file.read(4) != b"\x7fELF":
            return {}
        return Elf(file).symbol_ends()


@pytest.mark.parametrize("flags", FLAGS, ids=" ".join)
def test_names_of_a_program(flags: tuple[str, ...], tmp_path: Path) -> None:
    program = build(tmp_path, *flags)
    assert check_names(program, tmp_path) > 0 or "-s" in flags


@pytest.mark.skipif(not LIBC.exists(), reason="this machine has no Debian libc")
def test_names_of_libc(tmp_path: Path) -> None:
    assert check_names(LIBC, tmp_path) > 1000


@pytest.mark.corpus
@pytest.mark.skipif(not CORPUS.exists(), reason="no corpus beside the checkout")
def test_names_of_the_corpus(tmp_path: Path) -> None:
    paths = [path for path in sorted(CORPUS.rglob("*.sym")) if path.is_file() and path.name != "Corrupt.sym"]
    others = ("crash_linux", "crash_macos", "sigsegv.pdb", "linux-x86_64")
    paths += [path for name in others for path in CORPUS.rglob(name) if path.is_file()]
    assert len(paths) > 20
    for number, path in enumerate(paths):
        folder = tmp_path / str(number)
        folder.mkdir()
        check_names(path, folder)


@pytest.mark.skipif(not LIBC.exists(), reason="this machine has no Debian libc")
def test_rules_of_libc(tmp_path: Path) -> None:
    """Against the text itself: INIT and deltas merged, one record after the other."""
    text = Archive.open(str(LIBC))._get_object(0).make_cficache().open_stream().read().decode()
    (compiled,) = compile_here(LIBC, tmp_path)
    file = SymbolFile.open(FileBlob(compiled.path))
    start = end = rows = 0
    state: dict[str, str] = {}
    for line in text.splitlines():
        _, _, *fields = line.split()
        if fields[0] == "INIT":
            assert end == 0 or file.rule_at(end - 1) == rule_of(state, is_start=end - 1 == start)
            start = int(fields[1], 16)
            end, state, fields = start + int(fields[2], 16), {}, fields[2:]
        elif (address := int(fields[0], 16)) > start:
            assert file.rule_at(address - 1) == rule_of(state, is_start=address - 1 == start)
        state |= assignments(fields[1:])
        rows += 1
    assert rows > 10_000


def assignments(tokens: list[str]) -> dict[str, str]:
    pairs = re.findall(r"(\S+): (.*?)(?= \S+: |$)", " ".join(tokens))
    return {name.strip("$"): expression.replace("$", "") for name, expression in pairs}


def rule_of(state: dict[str, str], *, is_start: bool = False) -> CfiRule:
    parsed = {name: parsed_tokens(expression) for name, expression in sorted(state.items())}
    cfa = parsed.pop(".cfa")
    assert cfa is not None
    return CfiRule(cfa, parsed.pop(".ra", None), tuple(parsed.items()), is_start)


def parsed_tokens(expression: str) -> tuple[str | int, ...] | None:
    if expression == ".undef":
        return None
    return tuple(int(token) if token.lstrip("-").isdigit() else token for token in expression.split())
