"""Where fuzzing begins: small inputs made in code, for each target."""

from __future__ import annotations

import random
import struct
import zlib
from collections.abc import Callable
from itertools import product

from cairn.minidump.records import Arch, Os
from tests.fuzz.dumps import ARCHES, SYSTEMS
from tests.fuzz.packed_symbols import unpack
from tests.fuzz.targets import sample_symbols
from tests.minidump.test_hostile import DUMPS
from tests.symbols.compiling.test_segments import macho, pe
from tests.symbols.programs import SYM
from tests.symbols.sources.lzx_packer import ALIGNED, PLAIN, VERBATIM, lzx_cabinet
from tests.symbols.sources.test_cab import cabinet
from tests.synth.minidump import MinidumpBuilder

STACK_LINES = b"""\
STACK CFI INIT 1000 40 .cfa: $rsp 8 + .ra: .cfa -8 + ^
STACK CFI 1001 .cfa: $rsp 16 + $rbp: .cfa -16 + ^
STACK CFI 1008 $rbp: .undef .ra: .undef
STACK CFI INIT 1020 40 .cfa: $x29 8 + .ra: $x30
STACK WIN 4 1000 30 2 0 8 c 14 0 1 $T0 $ebp = $eip $T0 4 + ^ = $ebp $T0 ^ = $esp $T0 8 + =
STACK WIN 0 1010 10 0 0 4 0 0 0 0 1
STACK CFI INIT 1030 8 .cfa: $rsp $rbx 2 * 16 @ -
"""


def seeds(target: str) -> list[bytes]:
    """The seeds of a target."""
    return FILES[target]() if target in FILES else decisions(target)


def dumps() -> list[bytes]:
    """Dumps with every stream there is; ARM tells of its CPU in a way of its own, and so does ``uname -a``."""
    android = MinidumpBuilder(Arch.ARM, Os.ANDROID, csd="Linux 4.4.0-g1 #1 SMP armv7l GNU/Linux", cpu=bytes(range(8)))
    return [*DUMPS, android.thread(1, {}, (0x7000, bytes(64))).exception(1, 11, registers={}).build()]


def symbol_files() -> list[bytes]:
    """A finished symbol file, and one that is put together, to be read whole and in slivers."""
    unpacked = unpack(sample_symbols())
    return [b"\0" + sample_symbols(), unpacked, b"\2" + unpacked[1:]]


def decisions(target: str) -> list[bytes]:
    """Random bytes; for processes some of every architecture on every system."""
    rng = random.Random(target)
    if target in ("walker", "crash"):
        kinds = product(range(len(ARCHES)), range(len(SYSTEMS)))
        return [bytes(kind) + rng.randbytes(size) for kind in kinds for size in (150, 600)]
    return [rng.randbytes(size) for size in (50, 100, 200, 400, 800, 1600) for _ in range(5)]


def cabinets() -> list[bytes]:
    """Stored, with MSZIP, and with every kind of block of LZX, of few bytes."""
    lines = b"".join(b"%d bottles\n" % number for number in range(200))
    packed = [lzx_cabinet(lines, (kind,), block=900, program=3000) for kind in (VERBATIM, ALIGNED, PLAIN)]
    bare = [bare_cabinet(blocks, packed) for blocks in ([lines], [lines, lines[::-1]]) for packed in (0, 1)]
    return [cabinet(lines, packed=False), cabinet(lines), *packed, *bare]


def fat() -> bytes:
    """A fat Mach-O file of the wide kind, with one program."""
    program = macho()
    return struct.pack(">II2I2Q2I", 0xCAFEBABF, 1, 7, 3, 64, len(program), 0, 0).ljust(64, b"\0") + program


def elf(word: int) -> bytes:
    """An ELF file of 32 (1) or 64 (2) bits: a loaded segment, a build id, a symbol table with two functions."""
    note = struct.pack("<III", 4, 3, 3) + b"GNU\0" + b"\xab\xcd\xef\0"
    ident = b"\x7fELF" + bytes([word, 1]) + bytes(10)
    if word == 1:
        symbols = struct.pack("<IIIBBH", 0, 0x1011, 0x20, 2, 0, 1) + struct.pack("<IIIBBH", 0, 0x1040, 0, 2, 0, 0)
        head = struct.pack("<HHIIIIIHHHHHH", 3, 40, 1, 0, 52, 116, 0, 52, 32, 2, 40, 1, 0)
        programs = struct.pack("<8I", 1, 0x10, 0x1000, 0x1000, 0x20, 0x30, 5, 0)
        programs += struct.pack("<8I", 4, 156, 0, 0, len(note), 0, 0, 0)
        section = struct.pack("<10I", 0, 2, 0, 0, 156 + len(note), len(symbols), 0, 0, 0, 16)
    else:
        symbols = struct.pack("<IBBHQQ", 0, 2, 0, 1, 0x1010, 0x20) + struct.pack("<IBBHQQ", 0, 2, 0, 0, 0x1040, 0)
        head = struct.pack("<HHIQQQIHHHHHH", 3, 62, 1, 0, 64, 176, 0, 64, 56, 2, 64, 1, 0)
        programs = struct.pack("<IIQQQQQQ", 1, 5, 0x10, 0x1000, 0x1000, 0x20, 0x30, 0)
        programs += struct.pack("<IIQQQQQQ", 4, 4, 240, 0, 0, len(note), 0, 0)
        section = struct.pack("<IIQQQQIIQQ", 0, 2, 0, 0, 240 + len(note), len(symbols), 0, 0, 0, 24)
    return ident + head + programs + section + note + symbols


def bare_cabinet(blocks: list[bytes], packed: int) -> bytes:
    """A cabinet as [MS-CAB] has it: header, folder, file with its name, blocks. Without checksums, which no change
    survives."""
    history, data = b"", b""
    for block in blocks:
        deflater = zlib.compressobj(9, zlib.DEFLATED, -15, zdict=history) if history else zlib.compressobj(9, 8, -15)
        content = b"CK" + deflater.compress(block) + deflater.flush() if packed else block
        data += struct.pack("<IHH", 0, len(content), len(block)) + content
        history += block
    name = b"game.pdb\0"
    files_at, start = 44, 44 + 16 + len(name)
    size = sum(map(len, blocks))
    header = struct.pack("<4s4xI4xI4xBBHHHHH", b"MSCF", start + len(data), files_at, 3, 1, 1, 1, 0, 0, 0)
    folder, file = struct.pack("<IHH", start, len(blocks), packed), struct.pack("<IIHHHH", size, 0, 0, 0, 0, 0)
    return header + folder + file + name + data


FILES: dict[str, Callable[[], list[bytes]]] = {
    "reader": dumps,
    "dump": dumps,
    "symbol_file": symbol_files,
    "cfi_text": lambda: [STACK_LINES],
    "breakpad_text": lambda: [SYM, SYM + STACK_LINES],
    "cabinet": cabinets,
    "program": lambda: [macho(), macho(">", wide=False), fat(), pe(), elf(1), elf(2)],
}
"""Targets whose bytes are files. Those of all others are decisions."""
