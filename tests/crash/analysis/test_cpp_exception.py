"""Types and messages of C++ exceptions, from the throw information of 32- and 64-bit programs."""

import struct

import pytest

from cairn.crash.analysis.cpp_exception import cpp_exception, readable_type
from cairn.crash.analysis.records import CppException
from cairn.minidump.memory import Memory
from cairn.minidump.records import Arch, ExceptionRecord, Os, SystemInfo
from tests.crash.crashes import region

BASE, IMAGE_64, OBJECT, TEXT = 0x400000, 0x140000000, 0x9000, 0xA000
THROW, ARRAY, CATCHABLE, TYPES = 0x100, 0x200, 0x300, 0x500
MAGIC = 0x19930520
NAMES = (".?AVconfig_error@app@@", ".?AVruntime_error@std@@", ".?AVexception@std@@")


def image(base: int, relative_to: int, names: tuple[str, ...] = NAMES, *, pointer_size: int = 8) -> bytes:
    """A program image that holds the throw information of an object of ``names``."""
    data = bytearray(0x1000)
    bias = base - relative_to
    struct.pack_into("<4I", data, THROW, 0, 0, 0, bias + ARRAY)
    struct.pack_into("<I", data, ARRAY, len(names))
    for index, name in enumerate(names):
        catchable, descriptor = CATCHABLE + 28 * index, TYPES + 0x100 * index
        struct.pack_into("<I", data, ARRAY + 4 + 4 * index, bias + catchable)
        struct.pack_into("<3I", data, catchable, 0, bias + descriptor, 0)
        place = descriptor + 2 * pointer_size
        data[place : place + len(name) + 1] = name.encode() + b"\0"
    return bytes(data)


def thrown(*parameters: int, code: int = 0xE06D7363) -> ExceptionRecord:
    return ExceptionRecord(thread_id=1, code=code, flags=1, address=0, parameters=parameters)


def windows(arch: Arch) -> SystemInfo:
    return SystemInfo(arch=arch, os=Os.WINDOWS)


EXPECTED = ("app::config_error", "std::runtime_error", "std::exception")


@pytest.mark.parametrize("arch", [Arch.AMD64, Arch.ARM64])
def test_64_bit(arch: Arch) -> None:
    memory = Memory.of(
        [
            region(IMAGE_64, image(IMAGE_64, IMAGE_64)),
            region(OBJECT, struct.pack("<QQQ", 0xDEAD, TEXT, 1)),
            region(TEXT, b"no such key\0"),
        ]
    )
    found = cpp_exception(thrown(MAGIC, OBJECT, IMAGE_64 + THROW, IMAGE_64), windows(arch), memory)
    assert found == CppException(EXPECTED, "no such key")


def test_32_bit() -> None:
    memory = Memory.of(
        [
            region(BASE, image(BASE, 0, pointer_size=4)),
            region(OBJECT, struct.pack("<III", 0xDEAD, TEXT, 1)),
            region(TEXT, b"no such key\0"),
        ]
    )
    found = cpp_exception(thrown(MAGIC, OBJECT, BASE + THROW), windows(Arch.X86), memory)
    assert found == CppException(EXPECTED, "no such key")


def test_the_program_gives_what_the_dump_lacks() -> None:
    program = image(IMAGE_64, IMAGE_64)

    def read(address: int, size: int) -> bytes | None:
        return program[address - IMAGE_64 :][:size] if address >= IMAGE_64 else None

    found = cpp_exception(thrown(MAGIC, OBJECT, IMAGE_64 + THROW, IMAGE_64), windows(Arch.AMD64), Memory(), read)
    assert found == CppException(EXPECTED)


@pytest.mark.parametrize(
    ("record", "os"),
    [
        (thrown(MAGIC, OBJECT, IMAGE_64 + THROW, IMAGE_64, code=0xC0000005), Os.WINDOWS),
        (thrown(MAGIC, OBJECT, IMAGE_64 + THROW, IMAGE_64), Os.LINUX),
        (thrown(MAGIC, OBJECT), Os.WINDOWS),
        (thrown(0x12345678, OBJECT, IMAGE_64 + THROW, IMAGE_64), Os.WINDOWS),
        (thrown(MAGIC, OBJECT, 0, IMAGE_64), Os.WINDOWS),
        (thrown(MAGIC, OBJECT, 0x77, IMAGE_64), Os.WINDOWS),
    ],
)
def test_no_types(record: ExceptionRecord, os: Os) -> None:
    memory = Memory.of([region(IMAGE_64, image(IMAGE_64, IMAGE_64))])
    assert cpp_exception(record, SystemInfo(arch=Arch.AMD64, os=os), memory) is None


def test_a_hostile_count_is_bounded() -> None:
    data = bytearray(image(IMAGE_64, IMAGE_64))
    struct.pack_into("<I", data, ARRAY, 0xFFFFFFFF)
    memory = Memory.of([region(IMAGE_64, bytes(data))])
    asked: list[int] = []

    def read(address: int, size: int) -> bytes | None:
        asked.append(address)
        return None

    found = cpp_exception(thrown(MAGIC, OBJECT, IMAGE_64 + THROW, IMAGE_64), windows(Arch.AMD64), memory, read)
    assert found is not None
    assert found.types == EXPECTED
    assert len(asked) < 300


@pytest.mark.parametrize(
    ("decorated", "name"),
    [
        (".?AVbad_alloc@std@@", "std::bad_alloc"),
        (".?AUpoint@@", "point"),
        (".?AW4color@app@@", "app::color"),
        (".H", ".H"),
        (".?AV?$basic_string@DU?$char_traits@D@std@@@std@@", ".?AV?$basic_string@DU?$char_traits@D@std@@@std@@"),
    ],
)
def test_readable_type(decorated: str, name: str) -> None:
    assert readable_type(decorated) == name
