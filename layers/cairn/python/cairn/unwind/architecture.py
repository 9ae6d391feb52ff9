"""What the walker has to know of a CPU and its calling convention."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from cairn.minidump.records import Arch
from cairn.unwind.frames import StackEnd, Trust

Registers = dict[str, int]
"""Values of registers, by the names of ``Context.registers``; one that is not known is not there."""


class Caller(NamedTuple):
    """The registers in a frame's caller, and how they were found.

    ``interrupted`` is set when the frame did not call but was put there by a signal or an exception: then the program
    counter is where the thread was stopped, not a return address.
    """

    registers: Registers
    trust: Trust
    interrupted: bool = False


Step = Caller | StackEnd | None
"""A caller, the reason why there is none, or ``None`` when this way of looking found nothing."""


class Architecture(NamedTuple):
    """A CPU: names of its registers, and its calling convention.

    What it can do without unwind rules stands in ``architectures.py``.

    - ``adjustment`` leads from a return address into the call before it, once ``code_mask`` has cleared other bits.
    - ``callee_saved`` registers keep their value where no rule speaks of them.
    - ``aliases`` are other names that unwind rules have for registers.
    - ``link_register`` is where a call leaves the return address, on machines that do not push it: there a frame may
      have the stack pointer of its caller.
    - ``signed`` registers may carry pointer authentication or tags above the address.
    - ``follows_call`` says whether ``longest_call`` bytes of code end in a call instruction.
    - ``address_bits`` is the width of a program's addresses; those of the system have all bits above set.
    """

    name: Arch
    pc: str
    sp: str
    adjustment: int
    callee_saved: tuple[str, ...]
    aliases: Mapping[str, str] = {}
    link_register: str | None = None
    signed: tuple[str, ...] = ()
    code_mask: int = -1
    address_bits: int = 64
    longest_call: int = 0
    follows_call: Callable[[bytes], bool] = lambda _: True

    @property
    def pointer_size(self) -> int:
        """Bytes in an address."""
        return self.name.pointer_size

    def is_address(self, value: int) -> bool:
        """Whether the processor takes ``value`` for an address."""
        upper = value >> self.address_bits
        return upper == 0 or upper == (1 << 8 * self.pointer_size - self.address_bits) - 1

    def lookup_address(self, return_address: int) -> int:
        """An address inside the call instruction that ``return_address`` follows."""
        return (return_address & self.code_mask) - self.adjustment
