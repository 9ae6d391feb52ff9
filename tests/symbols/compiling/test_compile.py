from __future__ import annotations

import gc
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from cairn.symbols.arriving.debug_file_ids import read_all_ids
from cairn.symbols.choose import best_for_names, what_lacks
from cairn.symbols.compiling import compile as compile_module
from cairn.symbols.compiling.compile import Compiled, compile_debug_file, identify
from cairn.symbols.compiling.compiler import compile_here
from cairn.symbols.compiling.demangle import MAX_NAME, readable
from cairn.symbols.compiling.isolation import Limits, run_isolated
from cairn.symbols.errors import (
    DebugFileError,
    DebugFileTooLargeError,
    MalformedDebugFileError,
    NoDebugIdError,
    UnsupportedFormatError,
)
from cairn.symbols.formats.breakpad_text import MAX_LINE
from cairn.symbols.ranges.blob import FileBlob
from cairn.symbols.records import Features
from cairn.symbols.symbol_file.reader import SymbolFile
from tests.symbols.programs import PORTABLE_PDB, PORTABLE_PDB_ID, SYM, SYM_CODE_ID, SYM_DEBUG_ID, build


def compiled_sym(folder: Path, text: bytes) -> tuple[SymbolFile, tuple[str, ...]]:
    path = folder / "some.sym"
    path.write_bytes(text)
    (compiled,) = compile_here(path, folder)
    return SymbolFile.open(FileBlob(compiled.path)), compiled.problems


def names(file: SymbolFile, *offsets: int) -> list[str]:
    return [at.function for offset in offsets for at in file.locate([offset])[offset]]


def test_a_program_in_a_child(tmp_path: Path) -> None:
    program = build(tmp_path, "-O2", "-g")
    (compiled,) = compile_debug_file(program, tmp_path)
    assert (compiled.format, compiled.arch, compiled.name) == ("elf", "x86_64", "program")
    assert compiled.features == Features(symbols=True, debug_info=True, unwind_info=True)
    assert compiled.problems == ()
    file = SymbolFile.open(FileBlob(compiled.path))
    assert file.debug_id == compiled.debug_id
    assert identify([program]) == [[(compiled.debug_id, compiled.code_id)]]


def test_a_companion_has_names_and_the_stripped_program_the_rules(tmp_path: Path) -> None:
    program = build(tmp_path, "-O2", "-g")
    debug = tmp_path / "program.debug"
    subprocess.run(["objcopy", "--only-keep-debug", program, debug], check=True)
    subprocess.run(["strip", "--strip-all", program], check=True)
    (companion,) = compile_here(debug, tmp_path)
    assert (companion.kind, companion.features) == ("dbg", Features(symbols=True, debug_info=True))
    (stripped,) = compile_here(program, tmp_path)
    assert stripped.features.unwind_info
    assert not stripped.features.debug_info
    assert companion.debug_id == stripped.debug_id
    assert (stripped.has_code, companion.has_code) == (True, False)


def test_a_static_program_is_told_from_a_companion_by_its_code(tmp_path: Path) -> None:
    program = build(tmp_path, "-O2", "-g", "-static")
    debug = tmp_path / "program.debug"
    subprocess.run(["objcopy", "--only-keep-debug", program, debug], check=True)
    (whole,), (companion,) = compile_here(program, tmp_path), compile_here(debug, tmp_path)
    assert (whole.kind, companion.kind) == ("dbg", "dbg")
    assert (whole.has_code, companion.has_code) == (True, False)


def test_a_static_function_of_a_stripped_library_has_no_name(tmp_path: Path) -> None:
    source = """
    extern "C" int exported(int n) { return n * 3; }
    static __attribute__((noinline, used)) int hidden(int n) { return n * 5 + 1; }
    extern "C" __attribute__((noinline)) int zz(int n) { return hidden(n) + 1; }
    """
    library = build(tmp_path, "-O1", "-shared", "-fPIC", "-fno-toplevel-reorder", source=source, name="l.so")
    listed = subprocess.run(["nm", library], check=True, capture_output=True, text=True).stdout.split("\n")
    address = {line.split()[2]: int(line.split()[0], 16) for line in listed if len(line.split()) == 3}
    subprocess.run(["strip", library], check=True)
    (compiled,) = compile_here(library, tmp_path)
    file = SymbolFile.open(FileBlob(compiled.path))
    exported, hidden = address["exported"], address["_ZL6hiddeni"]
    assert exported < hidden < address["zz"]
    assert names(file, exported, address["zz"]) == ["exported", "zz"]
    assert names(file, hidden) == []
    assert file.rule_at(hidden) is not None


def test_names_are_readable_and_kept_as_they_are(tmp_path: Path) -> None:
    (compiled,) = compile_here(build(tmp_path, "-O2", "-g"), tmp_path)
    file = SymbolFile.open(FileBlob(compiled.path))
    found = {at.symbol: at for offset in range(0x1000, 0x2000, 4) for at in file.locate([offset])[offset]}
    total = found["_ZNK4shop6BasketIiE5totalEi"]
    assert total.function == "shop::Basket<int>::total(int) const"
    assert total.language == "cpp"
    deep = found["_ZN4shop6BasketIiE4deepEi"]
    assert (deep.entry, deep.from_symbol_table) == (None, False)


@pytest.mark.parametrize("end", (b"\n", b"\r\n"))
@pytest.mark.parametrize("last", (True, False))
def test_line_ends_do_not_matter(end: bytes, last: bool, tmp_path: Path) -> None:
    text = SYM.replace(b"\n", end)
    file, problems = compiled_sym(tmp_path, text if last else text.removesuffix(end))
    assert problems == ()
    assert names(file, 0x1000, 0x1010, 0x1900) == ["alpha(int)", "beta(char)", "alpha(int)", "last"]
    assert (file.debug_id, file.code_id) == (SYM_DEBUG_ID, SYM_CODE_ID)
    assert file.rule_at(0x1000) is not None


def test_bad_lines_are_skipped_and_told(tmp_path: Path) -> None:
    bad = b"garbage\nFUNC zz 1 0 x\n1000 1 1 0\nINLINE 0 1\nPUBLIC q\nFILE x\n" + b"FUNC " + b"x" * MAX_LINE + b"\n"
    file, problems = compiled_sym(tmp_path, SYM.replace(b"FUNC 1100", bad + b"FUNC 1100") + b"STACK CFI rubbish")
    assert problems == ("6 lines of the symbol file make no sense and were skipped.",)
    assert names(file, 0x1000, 0x1100, 0x1900) == ["alpha(int)", "no_lines", "last"]


def test_shared_names_old_inline_origins_and_publics_first(tmp_path: Path) -> None:
    head, _, rest = SYM.partition(b"FUNC 1000")
    text = head.replace(b"INLINE_ORIGIN 0 ", b"INLINE_ORIGIN 0 -1 ") + b"PUBLIC 500 0 early\nFUNC m 1000" + rest
    file, problems = compiled_sym(tmp_path, text)
    assert problems == ()
    assert names(file, 0x1010, 0x510) == ["beta(char)", "alpha(int)", "early"]


def test_a_line_without_a_known_file_has_no_source(tmp_path: Path) -> None:
    file, _ = compiled_sym(tmp_path, SYM.replace(b"1000 10 3 0", b"1000 10 3 77"))
    (located,) = file.locate([0x1000])[0x1000]
    assert (located.file, located.line, located.from_symbol_table) == (None, None, False)


@pytest.mark.parametrize(
    ("content", "error"),
    (
        (b"", UnsupportedFormatError),
        (b"just some text", UnsupportedFormatError),
        (b"MODULE nonsense\nFUNC 1 1 1 x\n", MalformedDebugFileError),
        (b"\x7fELF\2\1\1" + bytes(60), DebugFileError),
        (b"MZ" + bytes(200), DebugFileError),
        (b"Microsoft C/C++ MSF 7.00\r\n\x1aDS\0\0\0" + b"\xff" * 400, DebugFileError),
        (b"\xca\xfe\xba\xbe\0\0\0\2" + b"\xff" * 100, DebugFileError),
        (b"MODULE Linux x86_64 000000000000000000000000000000000 none\nFUNC 1 1 1 x\n", NoDebugIdError),
    ),
)
def test_what_cannot_be_read_says_why(content: bytes, error: type[DebugFileError], tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(content)
    with pytest.raises(error) as caught:
        compile_debug_file(path, tmp_path)
    assert caught.value.code in str(type(caught.value).code)
    assert str(caught.value).endswith(".")


def test_without_a_build_id_a_program_has_an_id_of_its_code_and_its_companion_none(tmp_path: Path) -> None:
    program = build(tmp_path, "-g", "-Wl,--build-id=none")
    (whole,) = compile_here(program, tmp_path)
    debug = tmp_path / "program.debug"
    subprocess.run(["objcopy", "--only-keep-debug", program, debug], check=True)
    subprocess.run(["objcopy", "--strip-debug", f"--add-gnu-debuglink={debug}", program], check=True)
    (stripped,) = compile_here(program, tmp_path)
    assert whole.debug_id is not None
    assert (stripped.debug_id, stripped.code_id) == (whole.debug_id, None)
    with pytest.raises(NoDebugIdError, match="Upload the program too"):
        compile_debug_file(debug, tmp_path)


def test_split_debug_information_is_said_to_be_elsewhere(tmp_path: Path) -> None:
    program = build(tmp_path, "-g", "-gsplit-dwarf")
    (compiled,) = compile_here(program, tmp_path)
    assert compiled.features == Features(symbols=True, unwind_info=True)
    assert [problem for problem in compiled.problems if "-gsplit-dwarf" in problem]
    (rest,) = tmp_path.rglob("*.dwo")
    with pytest.raises(NoDebugIdError, match="object file"):
        compile_debug_file(rest, tmp_path)


@pytest.mark.parametrize("how", ["zlib", "zlib-gnu", "zstd"])
def test_compressed_sections_say_the_same(how: str, tmp_path: Path) -> None:
    program = build(tmp_path, "-O2", "-g", "-fno-asynchronous-unwind-tables")
    packed = tmp_path / "packed"
    subprocess.run(["objcopy", f"--compress-debug-sections={how}", program, packed], check=True)
    sections = subprocess.run(["readelf", "-SW", packed], check=True, capture_output=True, text=True).stdout
    assert re.search(r" \.zdebug_info " if how == "zlib-gnu" else r" \.debug_info .* C ", sections), sections
    plain, same = folded(program, tmp_path / "one"), folded(packed, tmp_path / "two")
    assert same.features == plain.features == Features(symbols=True, debug_info=True, unwind_info=True)
    files = [SymbolFile.open(FileBlob(compiled.path)) for compiled in (plain, same)]
    places = [start for start in range(0x1000, 0x2000) if files[0].has_function(start)]
    assert any(at.line for calls in files[0].locate(places).values() for at in calls)
    assert files[0].locate(places) == files[1].locate(places)
    assert [files[0].rule_at(place) for place in places] == [files[1].rule_at(place) for place in places]


def folded(path: Path, out: Path) -> Compiled:
    out.mkdir()
    (compiled,) = compile_here(path, out)
    return compiled


def test_a_portable_pdb_is_kept_and_names_nothing(tmp_path: Path) -> None:
    (compiled,) = compile_debug_file(PORTABLE_PDB, tmp_path)
    assert (compiled.format, compiled.debug_id, compiled.code_id) == ("portablepdb", PORTABLE_PDB_ID, None)
    assert compiled.features == Features()
    assert dict(read_all_ids([PORTABLE_PDB])) == {PORTABLE_PDB: [(PORTABLE_PDB_ID, None)]}
    file = SymbolFile.open(FileBlob(compiled.path))
    assert best_for_names([file]) is None
    assert "managed code" in (what_lacks([file]) or "")
    native = SymbolFile.open(FileBlob(compile_here(build(tmp_path, "-g"), tmp_path)[0].path))
    assert what_lacks([file, native]) is None


def test_a_cut_program_is_malformed(tmp_path: Path) -> None:
    program = build(tmp_path, "-O2", "-g")
    whole = program.read_bytes()
    program.write_bytes(whole[: len(whole) // 3])
    with pytest.raises(MalformedDebugFileError, match="damaged"):
        compile_debug_file(program, tmp_path)


def test_a_missing_file_is_a_fault_of_the_caller(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No such file"):
        compile_debug_file(tmp_path / "nothing", tmp_path)


def test_a_child_that_takes_too_long_is_ended(tmp_path: Path) -> None:
    path = tmp_path / "a.sym"
    path.write_bytes(SYM + b"".join(b"FUNC %x 10 0 f%d\n" % (n * 16, n) for n in range(400_000)))
    with pytest.raises(DebugFileTooLargeError, match=r"1 seconds|time"):
        compile_debug_file(path, tmp_path, Limits(seconds=1))


def test_a_child_without_memory_is_an_answer(tmp_path: Path) -> None:
    path = tmp_path / "a.sym"
    path.write_bytes(SYM + b"".join(b"FUNC %x 10 0 f%d\n" % (n * 16, n) for n in range(200_000)))
    with pytest.raises(DebugFileTooLargeError, match=r"57 MB of memory.* `compile_memory_mb`"):
        compile_debug_file(path, tmp_path, Limits(memory=60_000_000))


def test_a_child_that_dies_is_an_answer(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "cairn_dies.py").write_text("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)")
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    monkeypatch.setattr("cairn.symbols.compiling.isolation.CHILD", "cairn_dies")
    with pytest.raises(MalformedDebugFileError, match="died \\(SIGSEGV\\)"):
        run_isolated("compile", [], Limits())


def test_one_file_that_kills_the_child_does_not_hide_the_others(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(compile_module, "run_isolated", lambda _, paths, __: _deadly(paths))
    answers = identify([tmp_path / "good", tmp_path / "deadly", tmp_path / "bad"])
    assert answers[0] == [("id", None)]
    assert isinstance(answers[1], MalformedDebugFileError)
    assert isinstance(answers[2], UnsupportedFormatError)


def _deadly(paths: list[str]) -> list[dict[str, Any]]:
    if any(path.endswith("deadly") for path in paths):
        raise MalformedDebugFileError("died")
    bad: dict[str, Any] = {"error": "unsupported_format", "message": "no"}
    return [bad if path.endswith("bad") else {"ids": [["id", None]]} for path in paths]


@pytest.mark.parametrize(
    ("symbol", "name"),
    (
        ("_ZNSt6vectorIiSaIiEE9push_backEOi", "std::vector<int, std::allocator<int> >::push_back(int&&)"),
        ("_ZN3fooIiEET_v", "foo<int>()"),
        ("_ZN4core3ptr13drop_in_place17h0123456789abcdefE", "core::ptr::drop_in_place"),
        ("_RNvCs1234_7mycrate3foo", "mycrate::foo"),
        ("?foo@Bar@@QEAAHH@Z", "Bar::foo(int)"),
        ("_Z3fooiPKc.cold", "foo(int, char const*) [clone .cold]"),
        ("main", "main"), ("_start", "_start"), ("-[NSObject init]", "-[NSObject init]"), ("", ""),
        ("std::foo(int)", "std::foo(int)"), ("_Znonsense", "_Znonsense"),
        ("_Z3foo" + "P" * MAX_NAME + "i", "_Z3foo" + "P" * MAX_NAME + "i"),
    ),
)  # fmt: skip
def test_readable_names(symbol: str, name: str) -> None:
    assert readable(symbol) == name


def test_objects_outlive_what_opened_them(tmp_path: Path) -> None:
    from cairn.symbols.compiling.libsymbolic import open_debug_file

    objects = open_debug_file(build(tmp_path, "-O2", "-g"))
    gc.collect()
    assert objects[0].symcache()[:4] == b"SYMC"
    assert b"STACK CFI INIT" in objects[0].cfi_text()
