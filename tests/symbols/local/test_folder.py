from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from cairn.symbols.arriving.debug_file_ids import elf_debug_id
from cairn.symbols.choose import best_for_names, best_for_unwinding
from cairn.symbols.compiling import compile as compile_module
from cairn.symbols.compiling.compile import compile_debug_file
from cairn.symbols.local.folder import LocalSymbols
from cairn.symbols.ranges.blob import REQUEST_GAP
from cairn.symbols.symbol_file.reader import TAIL
from tests.symbols.programs import SYM, SYM_CODE_ID, SYM_DEBUG_ID, build, large_symbols


@pytest.fixture
def compilations(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The debug files that get compiled."""
    seen: list[Path] = []

    def compile_and_note(path: Path, out_dir: Path) -> object:
        seen.append(path)
        return compile_debug_file(path, out_dir)

    monkeypatch.setattr(compile_module, "compile_debug_file", compile_and_note)
    return seen


def symstore(root: Path) -> Path:
    path = root / "my app" / "4D9D8F6C1DF4EF9C2E9D7D3C2D6E5B3A0" / "my app.sym"
    path.parent.mkdir(parents=True)
    path.write_bytes(SYM)
    return path


def test_a_tree_of_symbols_is_compiled_once(tmp_path: Path, compilations: list[Path]) -> None:
    path = symstore(tmp_path / "symbols")
    (tmp_path / "symbols/readme.txt").write_text("hello")
    for _ in range(2):
        symbols = LocalSymbols([tmp_path / "symbols"], tmp_path / "cache")
        (file,) = symbols.find(SYM_DEBUG_ID, None)
        assert file.locate([0x1000])[0x1000][0].function == "alpha(int)"
        assert symbols.find(SYM_DEBUG_ID, SYM_CODE_ID) == (file,)
        assert symbols.problems == []
    assert compilations == [path]


def test_to_explain_reads_a_large_file_is_opened_as_in_a_deployment(tmp_path: Path) -> None:
    path = tmp_path / "large.sym"
    path.write_bytes(large_symbols())
    logs = {}
    for gap in (0, REQUEST_GAP):
        (file,) = LocalSymbols([path], tmp_path / "cache", gap).find(SYM_DEBUG_ID, None)
        assert file.locate([0x1000])[0x1000][0].function == "alpha(int)"
        logs[gap] = file.log
    assert [[read.purpose for read in log] for log in logs.values()] == [["opening", "names"], ["hot set", "names"]]
    assert logs[0][0].size == TAIL
    assert logs[REQUEST_GAP][0].size < 2000


def test_changed_content_is_compiled_again(tmp_path: Path, compilations: list[Path]) -> None:
    path = symstore(tmp_path / "symbols")
    LocalSymbols([path], tmp_path / "cache").find(SYM_DEBUG_ID, None)
    path.write_bytes(SYM.replace(b"alpha(int)", b"omega(int)"))
    (file,) = LocalSymbols([path], tmp_path / "cache").find(SYM_DEBUG_ID, None)
    assert file.locate([0x1000])[0x1000][0].function == "omega(int)"
    assert len(compilations) == 2


def test_a_damaged_cache_is_made_again(tmp_path: Path, compilations: list[Path]) -> None:
    path = symstore(tmp_path / "symbols")
    LocalSymbols([path], tmp_path / "cache").find(SYM_DEBUG_ID, None)
    (cached,) = (tmp_path / "cache").rglob("*.symbols")
    cached.write_bytes(cached.read_bytes()[:-3])
    assert LocalSymbols([path], tmp_path / "cache").find(SYM_DEBUG_ID, None)
    assert len(compilations) == 2


def test_ids_that_do_not_fit_find_nothing(tmp_path: Path) -> None:
    symbols = LocalSymbols([symstore(tmp_path / "symbols")], tmp_path / "cache")
    assert symbols.find(None, None) == ()
    assert symbols.find("0" * 36, None) == ()
    assert symbols.find("0" * 36, SYM_CODE_ID) == ()
    assert len(symbols.find(None, SYM_CODE_ID)) == 1


def test_a_program_and_its_symbols_are_both_found(tmp_path: Path) -> None:
    source = tmp_path / "files"
    source.mkdir()
    program = build(source, "-O2", "-g")
    debug = source / "program.debug"
    os.system(f"objcopy --only-keep-debug '{program}' '{debug}' && strip '{program}'")
    (compiled,) = compile_debug_file(program, tmp_path)
    assert compiled.code_id is not None
    assert elf_debug_id(compiled.code_id) == compiled.debug_id
    files = LocalSymbols([source], tmp_path / "cache").find(compiled.debug_id, compiled.code_id)
    assert [file.description.name for file in files] == ["program", "program.debug"]
    assert best_for_names(files) is files[1]
    assert best_for_unwinding(files) is files[0]
    assert best_for_names(()) is best_for_unwinding(()) is None


def test_a_program_without_a_build_id_is_found(tmp_path: Path) -> None:
    program = build(tmp_path, "-g", "-Wl,--build-id=none")
    (compiled,) = compile_debug_file(program, tmp_path)
    assert compiled.code_id is None
    assert len(LocalSymbols([program], tmp_path / "cache").find(compiled.debug_id, None)) == 1


def test_files_that_cannot_be_read_are_told(tmp_path: Path) -> None:
    source = tmp_path / "files"
    symstore(source)
    (source / "bad.exe").write_bytes(b"MZ" + bytes(100))
    (source / "bad.so").write_bytes(b"\x7fELF\2\1\1" + b"\xff" * 90)
    (source / "Some.class").write_bytes(b"\xca\xfe\xba\xbe\0\0\0\x34")
    shutil.copy(source / "bad.so", source / "dangling")
    (source / "dangling").unlink()
    symbols = LocalSymbols([source, tmp_path / "missing.sym"], tmp_path / "cache")
    assert len(symbols.find(SYM_DEBUG_ID, None)) == 1
    told = " ".join(symbols.problems)
    assert len(symbols.problems) == 3
    assert all(name in told for name in ("bad.exe", "bad.so", "missing.sym"))


def test_a_file_that_does_not_compile_is_told_once(tmp_path: Path) -> None:
    program = build(tmp_path, "-g")
    ids = compile_debug_file(program, tmp_path)[0]
    whole = program.read_bytes()
    program.write_bytes(whole[: len(whole) * 2 // 3])
    symbols = LocalSymbols([program], tmp_path / "cache")
    assert symbols.find(ids.debug_id, None) == symbols.find(ids.debug_id, None) == ()
    assert len(symbols.problems) == 1
