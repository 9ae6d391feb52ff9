"""What the analyses find, as frozen records."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple


class Access(StrEnum):
    """What was done to memory."""

    READ = "read"
    WRITE = "write"
    READ_WRITE = "readwrite"
    EXECUTE = "execute"

    @property
    def needs(self) -> str:
        """The permissions it asks for, as letters of ``rwx``."""
        return {"read": "r", "write": "w", "readwrite": "rw", "execute": "x"}[self.value]


class MemoryAccess(NamedTuple):
    """Memory that the crashing instruction was about to touch.

    ``size`` in bytes, ``None`` where it depends on more than the instruction. ``base`` is the register that holds the
    pointer (``None`` for an absolute address) and ``null_base`` says that it was zero. ``guard_page`` says that the
    address lies in a small mapping without permissions, right beside one that has some.
    """

    address: int
    size: int | None
    access: Access
    base: str | None = None
    null_base: bool = False
    guard_page: bool = False

    def covers(self, address: int) -> bool:
        """Whether ``address`` is among the bytes that are touched; with no known size, the first one only."""
        return self.address <= address < self.address + (self.size or 1)


class Instruction(NamedTuple):
    """The instruction at the program counter, in the assembler's words.

    ``accesses`` is ``None`` where they cannot be told (an unknown register, a segment base), and empty where there are
    none. ``target`` is where an indirect jump, a call or a return was about to go, where that is in the dump.
    """

    address: int
    text: str
    accesses: tuple[MemoryAccess, ...] | None = None
    target: int | None = None


class PointerKind(StrEnum):
    """What a pointer was that the reported address does not show."""

    NULL = "null-pointer"
    NON_CANONICAL = "non-canonical"


class Pointer(NamedTuple):
    """The bad pointer behind the crash address: a null one and the ``offset`` added to it (signed, in bytes), or the
    real ``address`` where the CPU reported none because it was not canonical."""

    kind: PointerKind
    address: int
    offset: int = 0
    register: str | None = None


class OverflowEvidence(StrEnum):
    """By what a stack overflow was recognised, surest first."""

    REPORTED = "reported"
    GUARD_PAGE = "guard_page"
    BELOW_STACK = "below_stack"
    STACK_NOT_CAPTURED = "stack_not_captured"


class StackOverflow(NamedTuple):
    """The thread ran out of stack. ``stack_pointer`` is where it stood, ``None`` without registers."""

    evidence: OverflowEvidence
    stack_pointer: int | None = None


class BitFlip(NamedTuple):
    """An address that the crash address becomes when one bit of it, or of ``register``, is turned over, and at which
    there is memory. ``confidence`` (0 to 1) is a rule of thumb of rust-minidump's, no probability."""

    address: int
    confidence: float
    register: str | None = None


class Inconsistency(StrEnum):
    """The reason and the instruction cannot both be true: bad hardware, or a damaged dump."""

    DIVISION_WITHOUT_DIVISION = "int_division_by_zero_not_possible"
    NOT_PRIVILEGED = "priv_instruction_crash_without_priv_instruction"
    CANONICAL = "non_canonical_address_falsely_reported"
    ACCESS_ALLOWED = "access_violation_when_access_allowed"
    ADDRESS_NOT_ACCESSED = "crashing_access_not_found_in_memory_accesses"


class CppException(NamedTuple):
    """A C++ exception that nobody caught. ``types`` are the types a handler could name, the thrown one first;
    ``message`` is what ``what()`` says, where it lies in the dump."""

    types: tuple[str, ...]
    message: str | None = None
