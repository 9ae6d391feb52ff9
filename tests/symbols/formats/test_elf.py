from __future__ import annotations

import io
import struct
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cairn.symbols.errors import MalformedDebugFileError
from cairn.symbols.formats.elf import Elf
from cairn.symbols.records import Segment
from tests.symbols.programs import build


def test_build_id_and_ends_of_symbols(tmp_path: Path) -> None:
    program = build(tmp_path, "-O1", "-no-pie", "-Wl,--build-id=0x0011223344")
    listed = subprocess.run(["nm", "-S", program], check=True, capture_output=True, text=True).stdout.split("\n")
    (start, size) = next((int(row.split()[0], 16), int(row.split()[1], 16)) for row in listed if row.endswith(" main"))
    with program.open("rb") as file:
        elf = Elf(file)
        assert elf.build_id() == "0011223344"
        assert elf.symbol_ends()[start - 0x400000] == start - 0x400000 + size


def test_a_function_without_a_size_ends_with_its_section(tmp_path: Path) -> None:
    program = build(tmp_path, "-O1", "-no-pie")
    listed = subprocess.run(["readelf", "-SW", program], check=True, capture_output=True, text=True).stdout
    (row,) = [line.partition("]")[2].split() for line in listed.split("\n") if " .fini " in line]
    start, size = int(row[2], 16) - 0x400000, int(row[4], 16)
    with program.open("rb") as file:
        assert Elf(file).symbol_ends()[start] == start + size


@pytest.mark.parametrize("order", ("<", ">"))
def test_a_32_bit_file_of_either_byte_order(order: str) -> None:
    note = struct.pack(order + "III", 4, 3, 3) + b"GNU\0" + b"\xab\xcd\xef\0"
    symbols = struct.pack(order + "IIIBBH", 0, 0x1011, 0x20, 2, 0, 1) + struct.pack(order + "IIIBBH", 0, 1, 9, 1, 0, 1)
    ident = b"\x7fELF\1" + (b"\1" if order == "<" else b"\2") + bytes(10)
    head = struct.pack(order + "HHIIIIIHHHHHH", 3, 40, 1, 0, 52, 116, 0, 52, 32, 2, 40, 1, 0)
    content = 52 + 64 + 40
    programs = struct.pack(order + "8I", 1, 0x10, 0x1000, 0x1000, 0x20, 0x30, 5, 0)
    programs += struct.pack(order + "8I", 4, content, 0, 0, len(note), 0, 0, 0)
    section = struct.pack(order + "10I", 0, 2, 0, 0, content + len(note), len(symbols), 0, 0, 0, 16)
    elf = Elf(io.BytesIO(ident + head + programs + section + note + symbols))
    assert elf.build_id() == "abcdef"
    assert elf.symbol_ends() == {0x10: 0x30}
    assert elf.segments() == [Segment(0, 0x20, 0x10, True)]


@given(st.binary(max_size=200), st.sampled_from((b"\x7fELF\1\1", b"\x7fELF\2\1", b"\x7fELF\2\2", b"")))
def test_any_bytes_end_well(data: bytes, magic: bytes) -> None:
    try:
        elf = Elf(io.BytesIO(magic + data))
        elf.build_id()
        elf.symbol_ends()
        elf.segments()
    except MalformedDebugFileError as error:
        assert error.code == "malformed"
