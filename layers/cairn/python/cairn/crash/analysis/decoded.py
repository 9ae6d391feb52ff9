"""One machine instruction, taken apart far enough to compute what it touches."""

from __future__ import annotations

from typing import NamedTuple

from cairn.crash.analysis.records import Access


class MemoryOperand(NamedTuple):
    """``base + index_register * scale + displacement``, registers by the assembler's names; ``size`` in bytes, if
    known."""

    access: Access
    size: int | None
    base: str | None = None
    index_register: str | None = None
    scale: int = 1
    displacement: int = 0
    signed_index: bool = False


class Decoded(NamedTuple):
    """``operands`` is ``None`` where the memory it touches cannot be told from registers alone.

    ``target`` is the register or memory that holds where an indirect branch goes, ``divisor`` what a division divides
    by. ``alignment`` is what the address must be a multiple of; ``repeats`` marks string instructions that go on.
    """

    text: str
    mnemonic: str
    size: int
    operands: tuple[MemoryOperand, ...] | None = ()
    target: str | MemoryOperand | None = None
    divisor: str | MemoryOperand | None = None
    privileged: bool = False
    repeats: bool = False
    alignment: int = 1

    @property
    def registers(self) -> tuple[str, ...]:
        """The registers that addresses are made of, each once."""
        names = [name for operand in self.operands or () for name in (operand.base, operand.index_register) if name]
        return tuple(dict.fromkeys(names))
