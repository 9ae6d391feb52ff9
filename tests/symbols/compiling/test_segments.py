"""What of a program's file is loaded where: ELF as compilers write it, Mach-O and PE made by hand."""

from __future__ import annotations

import io
import struct
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cairn.symbols.compiling.libsymbolic import open_debug_file
from cairn.symbols.compiling.segments import pe_segments, segments_of
from cairn.symbols.errors import MalformedDebugFileError
from cairn.symbols.formats.macho import macho_segments
from cairn.symbols.records import Segment
from tests.symbols.programs import build

UUID = "00112233445566778899aabbccddeeff"
EXECUTE, DSYM = 4, 10


def segments(path: Path) -> tuple[Segment, ...]:
    (debug_object,) = open_debug_file(path)
    return segments_of(debug_object, path)


@pytest.mark.parametrize("flags", (("-pie",), ("-no-pie",), ("-no-pie", "-static"), ("-shared", "-fPIC")))
def test_the_code_of_an_elf_program(flags: tuple[str, ...], tmp_path: Path) -> None:
    program = build(tmp_path, "-O1", "-g", *flags)
    text = tmp_path / "text"
    subprocess.run(["objcopy", "--dump-section", f".text={text}", program, tmp_path / "copy"], check=True)
    listed = subprocess.run(["readelf", "-SW", program], check=True, capture_output=True, text=True).stdout
    (row,) = [line.partition("]")[2].split() for line in listed.split("\n") if " .text " in line]
    offset = int(row[2], 16) - (0x400000 if "-no-pie" in flags else 0)
    (code,) = [segment for segment in segments(program) if segment.executable]
    assert code.address <= offset < code.address + code.size
    start = code.offset + offset - code.address
    content = text.read_bytes()
    assert program.read_bytes()[start : start + len(content)] == content


def test_a_debug_companion_holds_no_code(tmp_path: Path) -> None:
    program = build(tmp_path, "-O1", "-g")
    debug = tmp_path / "program.debug"
    subprocess.run(["objcopy", "--only-keep-debug", program, debug], check=True)
    assert segments(debug) == ()


def test_a_segment_beyond_the_file_is_left_out(tmp_path: Path) -> None:
    program = build(tmp_path, "-O1", "-g")
    whole = bytearray(program.read_bytes())
    programs = struct.unpack_from("<Q", whole, 32)[0]
    table = range(programs, programs + 56 * struct.unpack_from("<H", whole, 56)[0], 56)
    first = next(at for at in table if struct.unpack_from("<I", whole, at)[0] == 1)
    before = segments(program)
    struct.pack_into("<Q", whole, first + 32, 1 << 40)
    program.write_bytes(whole)
    assert segments(program) == before[1:]


def macho(order: str = "<", wide: bool = True, kind: int = 2, encrypted: int | None = None, uuid: str = UUID) -> bytes:
    """A program with ``__PAGEZERO``, ``__TEXT`` and ``__DATA`` at 0x1000, 0x3000 of whatever base."""
    commands = [struct.pack(order + "II16s", 0x1B, 24, bytes.fromhex(uuid))]
    for name, address, offset, size, protection in (
        (b"__PAGEZERO", 0, 0, 0, 0), (b"__TEXT", 0x10000, 0, 0x1800, 5), (b"__DATA", 0x12000, 0x1800, 0x200, 3),
    ):  # fmt: skip
        layout = "II16s4Q4I" if wide else "II16s8I"
        size_of = struct.calcsize(order + layout)
        fields = (address, 0x2000, offset, size, 7, protection, 0, 0)
        commands.append(struct.pack(order + layout, 0x19 if wide else 1, size_of, name, *fields))
    if encrypted is not None:
        commands.append(struct.pack(order + "6I", 0x2C, 24, 0x1000, 0x800, encrypted, 0))
    magic = 0xFEEDFACF if wide else 0xFEEDFACE
    body = b"".join(commands)
    head = struct.pack(order + "7I", magic, 0x0100000C, 0, kind, len(commands), len(body), 0)
    return head + bytes(4 if wide else 0) + body


TEXT_AND_DATA = [Segment(0, 0x1800, 0, True), Segment(0x2000, 0x200, 0x1800, False)]


@pytest.mark.parametrize("order", ("<", ">"))
@pytest.mark.parametrize("wide", (True, False))
def test_the_code_of_a_macho_program(order: str, wide: bool) -> None:
    found = macho_segments(io.BytesIO(macho(order, wide)), UUID)
    assert [segment for segment in found if segment.size] == TEXT_AND_DATA


@pytest.mark.parametrize("magic", (0xCAFEBABE, 0xCAFEBABF))
def test_the_right_slice_of_a_fat_file(magic: int) -> None:
    other, mine = macho(uuid="ab" * 16, wide=False), macho()
    entry = ">5I" if magic == 0xCAFEBABE else ">2I2Q2I"
    rest = (0,) if magic == 0xCAFEBABE else (0, 0)
    fat = struct.pack(">II", magic, 2)
    places = (0x100, 0x800)
    for place, program in zip(places, (other, mine), strict=True):
        fat += struct.pack(entry, 7, 3, place, len(program), *rest)
    fat = (fat.ljust(places[0], b"\0") + other).ljust(places[1], b"\0") + mine
    found = macho_segments(io.BytesIO(fat), UUID)
    assert [(s.address, s.offset) for s in found if s.size] == [(0, 0x800), (0x2000, 0x800 + 0x1800)]
    assert macho_segments(io.BytesIO(fat), "cd" * 16) == []


def test_a_slice_that_no_file_can_hold() -> None:
    with pytest.raises(MalformedDebugFileError, match="cut short"):
        macho_segments(io.BytesIO(struct.pack(">II2I2Q2I", 0xCAFEBABF, 1, 7, 3, (1 << 64) - 1, 5, 0, 0)), UUID)


def test_a_dsym_and_encrypted_code_are_not_used() -> None:
    assert macho_segments(io.BytesIO(macho(kind=DSYM)), UUID) == []
    assert macho_segments(io.BytesIO(macho(encrypted=1)), UUID) == []
    assert len(macho_segments(io.BytesIO(macho(encrypted=0)), UUID)) == 3


def pe(machine: int = 0x8664, flags: int = 0x22) -> bytes:
    sections = b""
    for name, size, address, raw, offset, kind in (
        (b".text", 0x1234, 0x1000, 0x1400, 0x400, 0x60000020),
        (b".rdata", 0x900, 0x3000, 0x800, 0x1800, 0x40000040),
        (b".bss", 0x5000, 0x4000, 0, 0, 0xC0000080),
    ):
        sections += struct.pack("<8s4I12xI", name, size, address, raw, offset, kind)
    head = b"MZ".ljust(0x3C, b"\0") + struct.pack("<I", 0x80)
    return (
        head.ljust(0x80, b"\0") + struct.pack("<4sHH12xHH", b"PE\0\0", machine, 3, 240, flags) + bytes(240) + sections
    )


def test_the_code_of_a_pe_program() -> None:
    assert list(pe_segments(io.BytesIO(pe()))) == [
        Segment(0x1000, 0x1234, 0x400, True),
        Segment(0x3000, 0x800, 0x1800, False),
    ]


def test_32_bit_code_that_the_loader_corrects_is_not_used() -> None:
    assert list(pe_segments(io.BytesIO(pe(machine=0x14C, flags=0x102)))) == []
    assert len(list(pe_segments(io.BytesIO(pe(machine=0x14C, flags=0x103))))) == 2


MAGICS = (
    b"\xcf\xfa\xed\xfe",
    b"\xce\xfa\xed\xfe",
    b"\xfe\xed\xfa\xcf",
    b"\xca\xfe\xba\xbe\0\0\0\2",
    macho()[:90],
    pe(),
    b"",
)


@given(st.binary(max_size=200), st.sampled_from(MAGICS))
def test_any_bytes_end_well(data: bytes, magic: bytes) -> None:
    for is_macho in (True, False):
        file = io.BytesIO(magic + data)
        try:
            found = macho_segments(file, UUID) if is_macho else list(pe_segments(file))
        except MalformedDebugFileError as error:
            assert error.code == "malformed"
        else:
            assert len(found) <= 200
