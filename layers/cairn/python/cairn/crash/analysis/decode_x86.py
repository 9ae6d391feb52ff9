"""Instructions of x86 and amd64."""

from __future__ import annotations

from typing import Any

from cairn.crash.analysis.capstone_operands import MEMORY, REGISTER, access_of, register_name, text_of
from cairn.crash.analysis.decoded import Decoded, MemoryOperand
from cairn.crash.analysis.records import Access
from cairn.minidump.records import Arch

_NO_ACCESS = ("nop", "prefetch", "endbr")
_UNKNOWN_SIZE = (
    "fxsave",
    "fxrstor",
    "xsave",
    "xrstor",
    "fnsave",
    "fsave",
    "frstor",
    "fldenv",
    "fnstenv",
    "sgdt",
    "sidt",
)
_PUSHES = ("push", "call")
_POPS = ("pop", "ret", "iret")
_PRIVILEGED_NAMES = (
    "int into in insb insw insd out outsb outsw outsd cli sti clts lgdt lidt lldt lmsw ltr rdmsr wrmsr rdpmc rdtsc "
    "rdtscp invd wbinvd invlpg monitor mwait swapgs sysexit sysret xsetbv"
)
_PRIVILEGED = frozenset(_PRIVILEGED_NAMES.split())
_ALIGNED = ("movap", "movdqa", "movnt", "vmovap", "vmovdqa", "vmovnt")
_UNALIGNED = ("movup", "movdqu", "lddqu", "pcmpest", "pcmpist")
_REPEAT_PREFIXES = (0xF2, 0xF3)


def decode_x86(instruction: Any, arch: Arch) -> Decoded:
    """Take one of Capstone's instructions apart."""
    mnemonic = _bare(instruction.mnemonic)
    operands = _operands(instruction, mnemonic, arch)
    explicit = tuple(_operand(instruction, operand, mnemonic) for operand in instruction.operands)
    divides = mnemonic in ("div", "idiv") and len(explicit) == 1
    return Decoded(
        text=text_of(instruction),
        mnemonic=mnemonic,
        size=instruction.size,
        operands=operands,
        target=_target(mnemonic, explicit, arch),
        divisor=explicit[0] if divides else None,
        privileged=mnemonic in _PRIVILEGED or "privilege" in map(instruction.group_name, instruction.groups),
        repeats=instruction.prefix[0] in _REPEAT_PREFIXES,
        alignment=_alignment(mnemonic, operands),
    )


def _bare(mnemonic: str) -> str:
    """Without ``lock``, ``rep``, ``notrack`` and ``bnd``, which Capstone writes before the name."""
    return str(mnemonic).strip().rpartition(" ")[2]


def _operands(instruction: Any, mnemonic: str, arch: Arch) -> tuple[MemoryOperand, ...] | None:
    if mnemonic == "lea" or mnemonic.startswith(_NO_ACCESS):
        return ()
    found = []
    for operand in instruction.operands:
        if operand.type != MEMORY:
            continue
        # The bases of fs and gs (thread-local storage) are in no context; the other segments start at 0.
        if register_name(instruction, operand.mem.segment) in ("fs", "gs"):
            return None
        memory = _operand(instruction, operand, mnemonic)
        if isinstance(memory, MemoryOperand):
            found.append(memory)
    return (*found, *_stack_operand(mnemonic, arch))


def _operand(instruction: Any, operand: Any, mnemonic: str) -> str | MemoryOperand | None:
    if operand.type == REGISTER:
        return register_name(instruction, operand.reg)
    if operand.type != MEMORY:
        return None
    return MemoryOperand(
        access=access_of(operand),
        size=None if mnemonic.startswith(_UNKNOWN_SIZE) else operand.size,
        base=register_name(instruction, operand.mem.base),
        index_register=register_name(instruction, operand.mem.index),
        scale=operand.mem.scale,
        displacement=operand.mem.disp,
    )


def _stack_operand(mnemonic: str, arch: Arch) -> tuple[MemoryOperand, ...]:
    """What push, call, pop, ret and leave do to the stack beside their operands."""
    size = arch.pointer_size
    prefix = "r" if arch is Arch.AMD64 else "e"
    if mnemonic.startswith(_PUSHES):
        return (MemoryOperand(Access.WRITE, size, base=f"{prefix}sp", displacement=-size),)
    if mnemonic.startswith(_POPS):
        return (MemoryOperand(Access.READ, size, base=f"{prefix}sp"),)
    return (MemoryOperand(Access.READ, size, base=f"{prefix}bp"),) if mnemonic == "leave" else ()


def _target(mnemonic: str, explicit: tuple[str | MemoryOperand | None, ...], arch: Arch) -> str | MemoryOperand | None:
    if mnemonic.startswith(("ret", "iret")):
        return _stack_operand(mnemonic, arch)[0]
    return explicit[0] if mnemonic in ("call", "jmp") and len(explicit) == 1 else None


def _alignment(mnemonic: str, operands: tuple[MemoryOperand, ...] | None) -> int:
    """SSE instructions without a ``v`` want 16-byte operands aligned, unless they are made for unaligned ones."""
    widest = max((operand.size or 0 for operand in operands or ()), default=0)
    legacy = not mnemonic.startswith("v") and not mnemonic.startswith(_UNALIGNED) and mnemonic != "cmpxchg16b"
    wants = mnemonic.startswith(_ALIGNED) or legacy or mnemonic == "cmpxchg16b"
    return widest if widest in (16, 32, 64) and wants else 1
