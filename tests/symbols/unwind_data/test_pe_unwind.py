from __future__ import annotations

import struct
from pathlib import Path

import pytest

from cairn.symbols.compiling.compile import compile_debug_file
from cairn.symbols.errors import MalformedDebugFileError
from cairn.symbols.formats.pe import Pe
from cairn.symbols.ranges.blob import FileBlob
from cairn.symbols.rules import CfiRule
from cairn.symbols.symbol_file.reader import SymbolFile
from cairn.symbols.unwind_data.pe_unwind import pe_unwind_rows
from tests.synth.pe import AMD64, PDATA, TEXT, XDATA, amd64_info, amd64_program, image

FUNCTION = bytes.fromhex("53 4883ec20 90 4883c420 5b c3")
CODES = [(5, 2, 3), (1, 0, 3)]


def test_a_program_compiles_to_rules(tmp_path: Path) -> None:
    path = tmp_path / "some.exe"
    path.write_bytes(amd64_program(FUNCTION, CODES))
    (compiled,) = compile_debug_file(path, tmp_path)
    assert (compiled.format, compiled.arch, compiled.problems) == ("pe", "x86_64", ())
    assert compiled.features.unwind_info
    file = SymbolFile.open(FileBlob(compiled.path))
    kept = (("rdi", ("rdi",)), ("rsi", ("rsi",)))
    saved = ("rbx", (".cfa", -16, "+", "^"))
    ra = (".cfa", -8, "+", "^")
    assert file.rule_at(TEXT) == CfiRule(("rsp", 8, "+"), ra, kept, at_function_start=True)
    assert file.rule_at(TEXT + 6) == CfiRule(("rsp", 48, "+"), ra, (saved, *kept))
    assert file.rule_at(TEXT + 10) == CfiRule(("rsp", 16, "+"), ra, (saved, *kept))
    assert file.rule_at(TEXT + 11) == CfiRule(("rsp", 8, "+"), ra, kept)
    assert file.rule_at(TEXT + 12) is None
    assert file.has_function(TEXT + 6)


def test_functions_without_rules_are_told(tmp_path: Path) -> None:
    path = tmp_path / "some.exe"
    good = amd64_info(CODES)
    pdata = struct.pack("<6I", TEXT, TEXT + 12, XDATA, TEXT + 12, TEXT + 14, XDATA + len(good))
    path.write_bytes(image(AMD64, text=FUNCTION + b"\x90\x90", pdata=pdata, xdata=good + b"\xff" * 4))
    problems: list[str] = []
    rows = pe_unwind_rows(path, problems)
    assert problems == ["1 functions have unwind data that makes no sense, and no rules."]
    assert [row.start - TEXT for row in rows] == [0, 1, 5, 10, 11, 12]


def test_a_processor_without_unwind_data_has_no_rules(tmp_path: Path) -> None:
    path = tmp_path / "some.exe"
    path.write_bytes(image(0x14C, text=FUNCTION))
    problems: list[str] = []
    assert pe_unwind_rows(path, problems) == []
    assert problems == []


@pytest.mark.parametrize(
    ("program", "message"),
    (
        (b"", "empty"),
        (b"MZ" + bytes(20), "cut short"),
        (b"MZ" + bytes(400), "no readable header"),
        (image(AMD64)[:200], "cut short"),
        (image(AMD64, pdata=bytes(12))[:-12], "no section"),
        (image(AMD64, pdata=bytes(24))[:-12], "reach beyond"),
        (image(AMD64).replace(struct.pack("<HH", AMD64, 3), struct.pack("<HH", AMD64, 97)), "97 sections"),
    ),
)
def test_broken_programs_say_why(program: bytes, message: str, tmp_path: Path) -> None:
    path = tmp_path / "some.exe"
    path.write_bytes(program)
    with pytest.raises(MalformedDebugFileError, match=message):
        pe_unwind_rows(path, [])


def test_a_32_bit_program_has_its_directories_elsewhere() -> None:
    wide = image(AMD64, pdata=bytes(12))
    directories = wide[64 + 24 + 108 :][: 4 + 128]
    narrow = struct.pack("<H90x", 0x10B) + directories
    head = wide[: 64 + 24] + narrow.ljust(240, b"\0") + wide[64 + 24 + 240 :]
    assert Pe(head).exception_table() == bytes(12)


def test_no_table_of_functions() -> None:
    assert Pe(image(AMD64)).exception_table() == b""
    few = bytearray(image(AMD64, pdata=bytes(12)))
    struct.pack_into("<I", few, 64 + 24 + 108, 3)
    assert Pe(bytes(few)).exception_table() == b""


def test_bytes_are_read_from_one_section() -> None:
    pe = Pe(image(AMD64, text=b"code", pdata=b"table", xdata=b"data"))
    assert pe.read(TEXT + 1, 3) == b"ode"
    assert pe.read(PDATA, 5) == b"table"
    assert pe.read(0, 0) == b""
    for address, size in ((TEXT + 1, 4), (TEXT - 1, 1), (TEXT + 4, 1), (0xFFFF_FFFF, 1)):
        with pytest.raises(MalformedDebugFileError):
            pe.read(address, size)
