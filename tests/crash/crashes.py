"""Hand-made dumps for the tests of this room: an instruction, registers, memory and mappings."""

from collections.abc import Mapping
from typing import Any

from cairn.minidump.memory import Memory, MemoryRegion
from cairn.minidump.records import Arch, Context, ExceptionRecord, MappedRange, Minidump, Os, SystemInfo

CODE = 0x401000
STACK = 0x7FFD00002000
ACCESS_VIOLATION = 0xC0000005
SIGSEGV, SEGV_MAPERR, SEGV_ACCERR, SI_KERNEL = 11, 1, 2, 0x80


def region(start: int, data: bytes) -> MemoryRegion:
    return MemoryRegion(start, memoryview(data))


def context(
    arch: Arch = Arch.AMD64, *, pc: int = CODE, sp: int = STACK, registers: Mapping[str, int] | None = None
) -> Context:
    names = {Arch.AMD64: ("rip", "rsp"), Arch.X86: ("eip", "esp")}.get(arch, ("pc", "sp"))
    return Context(arch, {**(registers or {}), names[0]: pc, names[1]: sp}, pc, sp)


def crash(
    code: str = "",
    *,
    arch: Arch = Arch.AMD64,
    os: Os = Os.LINUX,
    exception: tuple[int, int] = (SIGSEGV, SEGV_MAPERR),
    parameters: tuple[int, ...] = (),
    address: int = 0,
    memory: Mapping[int, bytes] | None = None,
    mappings: tuple[MappedRange, ...] = (),
    pc: int = CODE,
    sp: int = STACK,
    **registers: int,
) -> Minidump:
    """A dump whose code is ``code`` (hex) at ``pc``."""
    held = dict(memory or {})
    if code:
        held[pc] = bytes.fromhex(code)
    record = ExceptionRecord(
        thread_id=7,
        code=exception[0],
        flags=exception[1],
        address=address,
        parameters=parameters,
        context=context(arch, pc=pc, sp=sp, registers=registers),
    )
    return Minidump(
        timestamp=0,
        flags=0,
        big_endian=False,
        system=SystemInfo(arch=arch, os=os),
        memory=Memory.of(region(start, data) for start, data in held.items()),
        exception=record,
        mappings=mappings,
    )


def violation(code: str, kind: int, address: int, **registers: int) -> Minidump:
    """An access violation on Windows, amd64; ``kind`` 0 reads, 1 writes, 8 executes."""
    given: dict[str, Any] = dict(registers)
    return crash(code, os=Os.WINDOWS, exception=(ACCESS_VIOLATION, 0), parameters=(kind, address), **given)
