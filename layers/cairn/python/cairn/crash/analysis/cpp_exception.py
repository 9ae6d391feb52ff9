"""The C++ exception of a Windows dump: its types, and its message where that was captured.

The layout is that of Microsoft's ``ehdata.h``: exception parameters magic, object, ThrowInfo and, with 64-bit pointers
and on arm, the image base that the 32-bit references inside are relative to.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple

from cairn.crash.analysis.records import CppException
from cairn.minidump.memory import Memory
from cairn.minidump.records import ExceptionRecord, Os, SystemInfo

CPP_EXCEPTION = 0xE06D7363
_MAGIC = range(0x19930520, 0x19930523)
_MAX_TYPES = 32
_MAX_TYPE_NAME = 256
_MAX_MESSAGE = 1024
_STD_EXCEPTION = "std::exception"
_SIMPLE_NAME = re.compile(r"\.\?A[VUTW]4?([\w@]+)@@")

Reader = Callable[[int, int], bytes | None]


def cpp_exception(
    exception: ExceptionRecord, system: SystemInfo, memory: Memory, program: Reader | None = None
) -> CppException | None:
    """The types of the thrown object; ``None`` for another exception, or where the throw information is not there.

    The information lies in the program's read-only data, which a dump rarely holds: ``program`` reads the file
    instead, where the caller has it.
    """
    if system.os is not Os.WINDOWS or exception.code != CPP_EXCEPTION or len(exception.parameters) < 3:
        return None
    magic, thrown, throw_info = exception.parameters[:3]
    if magic not in _MAGIC:
        return None
    base = exception.parameters[3] if len(exception.parameters) > 3 else 0
    image = _Image(memory, program, base, system.arch.pointer_size)
    found = image.types(throw_info)
    if not found:
        return None
    return CppException(tuple(name for name, _ in found), _message(image, thrown, found))


class _Image(NamedTuple):
    memory: Memory
    program: Reader | None
    base: int
    pointer_size: int

    def read(self, address: int, size: int) -> bytes | None:
        held = self.memory.read(address, size)
        if held is not None or self.program is None:
            return held
        code = self.program(address, size)
        return code if code is not None and len(code) == size else None

    def word(self, address: int, size: int = 4) -> int | None:
        raw = self.read(address, size)
        return None if raw is None else int.from_bytes(raw, "little")

    def follow(self, address: int) -> int | None:
        """The address that the 32-bit reference at ``address`` stands for."""
        reference = self.word(address)
        return self.base + reference if reference else None

    def text(self, address: int, limit: int) -> str | None:
        """Characters up to a NUL, ``None`` where that is not within ``limit`` bytes or the memory ends sooner."""
        region = self.memory.region_at(address)
        if region is not None:
            raw = region.read(address, min(limit, region.end - address))
        else:
            raw = self.program(address, limit) if self.program else None
        found, end, _ = (raw or b"")[:limit].partition(b"\0")
        return found.decode("utf-8", "replace") if end else None

    def types(self, throw_info: int) -> list[tuple[str, int]]:
        """The names of the types a handler may name, and how far into the object each begins."""
        array = self.follow(throw_info + 12)
        count = self.word(array) if array else None
        found = []
        for index in range(min(count or 0, _MAX_TYPES)):
            catchable = self.follow((array or 0) + 4 + 4 * index)
            descriptor = self.follow(catchable + 4) if catchable else None
            name = self.text(descriptor + 2 * self.pointer_size, _MAX_TYPE_NAME) if descriptor else None
            if catchable and name:
                found.append((readable_type(name), self.word(catchable + 8) or 0))
        return found


def readable_type(decorated: str) -> str:
    """``.?AVbad_alloc@std@@`` as ``std::bad_alloc``; what is not that simple (templates) stays as it is."""
    simple = _SIMPLE_NAME.fullmatch(decorated)
    return "::".join(reversed(simple[1].split("@"))) if simple else decorated


def _message(image: _Image, thrown: int, types: list[tuple[str, int]]) -> str | None:
    """The ``what()`` of a ``std::exception``: a pointer behind the virtual table's."""
    displacement = dict(types).get(_STD_EXCEPTION)
    if displacement is None:
        return None
    what = image.word(thrown + displacement + image.pointer_size, image.pointer_size)
    return (image.text(what, _MAX_MESSAGE) or None) if what else None
