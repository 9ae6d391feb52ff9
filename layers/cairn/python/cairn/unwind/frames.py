"""What a walk gives: frames, each with the trust it deserves, and the rules a walk asks for."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from enum import StrEnum
from typing import NamedTuple, Protocol, runtime_checkable

from cairn.minidump.records import Module
from cairn.symbols.rules import CfiRule, WinRule


class Trust(StrEnum):
    """How a frame was found, best last. The words are rust-minidump's."""

    NONE = "none"
    SCAN = "scan"
    CFI_SCAN = "cfi_scan"
    FRAME_POINTER = "frame_pointer"
    LEAF_RETURN = "leaf_return"
    CFI = "cfi"
    CONTEXT = "context"


class StackEnd(StrEnum):
    """Why a walk stopped."""

    OUTERMOST = "outermost"  # the unwind information says that nobody called this frame
    NO_CALLER = "no_caller"  # every way to find a caller failed
    NO_STACK = "no_stack"  # the stack is not in the dump
    NO_CONTEXT = "no_context"  # the thread has no registers
    LIMIT = "limit"  # as many frames as are ever walked
    DUMP_WRITER = "dump_writer"  # the thread wrote the dump and has nothing to tell


class Frame(NamedTuple):
    """One physical frame, callee first in a walk.

    ``pc`` is the instruction pointer as found (for a caller: the return address); ``lookup_address`` the address to
    look up, inside the call instruction. ``registers`` holds the registers that are known in this frame, by the
    names of ``Context.registers``.
    """

    pc: int
    lookup_address: int
    sp: int
    trust: Trust
    module: Module | None = None
    registers: Mapping[str, int] = {}


class Stack(NamedTuple):
    """The frames of one thread and why there are no more."""

    frames: tuple[Frame, ...]
    end: StackEnd


class UnwindRules(Protocol):
    """Where a walk gets its rules. ``offset`` is an address relative to the module's base."""

    def rule_at(self, module: Module, offset: int) -> CfiRule | WinRule | None:
        """The rule that covers ``offset``. Where a file has both kinds the ``WinRule`` is preferred."""

    def has_unwind_info(self, module: Module) -> bool:
        """Whether there is any unwind information for ``module``."""

    def has_function(self, module: Module, offset: int) -> bool | None:
        """Whether a function covers ``offset``; ``None`` when nothing is known about ``module``."""


@runtime_checkable
class BatchedRules(UnwindRules, Protocol):
    """Rules that come from far away: a walk says what it will ask next, for all threads at once."""

    def prefetch(self, places: Collection[tuple[Module, int]]) -> None:
        """Get ready for ``rule_at`` of these modules and offsets."""


@runtime_checkable
class FunctionStarts(UnwindRules, Protocol):
    """Rules that also know where functions begin; helps where a leaf function has no unwind information."""

    def function_start(self, module: Module, offset: int) -> int | None:
        """The offset of the first instruction of the function that covers ``offset``, if it is known."""
