"""What the analyses of a fault look at, in one place."""

from __future__ import annotations

from typing import NamedTuple

from cairn.crash import fault_address
from cairn.crash.analysis.address_map import AddressMap
from cairn.crash.analysis.instruction import CodeBytes, Crashing, crashing_instruction
from cairn.crash.analysis.pointer import hidden_pointer, is_canonical
from cairn.crash.analysis.records import Access, MemoryAccess, Pointer, PointerKind
from cairn.minidump.memory import Memory
from cairn.minidump.records import Context, ExceptionRecord, Minidump, SystemInfo


class Fault(NamedTuple):
    """The exception, the registers at it, and the instruction that they were at, if there is one."""

    exception: ExceptionRecord
    system: SystemInfo
    context: Context
    memory: Memory
    mapped: AddressMap
    crashing: Crashing | None = None

    @property
    def is_memory_fault(self) -> bool:
        """Whether memory was touched that must not be."""
        return fault_address.is_memory_fault(self.exception, self.system)

    @property
    def is_general_protection(self) -> bool:
        """Whether the OS gives no address because the CPU gave none."""
        return fault_address.is_general_protection(self.exception, self.system)

    @property
    def address(self) -> int:
        """The crash address, as reported."""
        return fault_address.crash_address(self.exception, self.system)

    @property
    def reported_access(self) -> Access | None:
        """What was done there, as the OS says."""
        return fault_address.reported_access(self.exception, self.system)

    @property
    def fetch_failed(self) -> bool:
        """Whether the program counter itself was the bad address, so that no instruction was reached."""
        if not self.is_memory_fault or self.is_general_protection:
            return False
        return self.reported_access is Access.EXECUTE or self.address == self.context.pc

    @property
    def accesses(self) -> tuple[MemoryAccess, ...]:
        """What the instruction touches, as far as that is known."""
        return (self.crashing.instruction.accesses or ()) if self.crashing else ()

    @property
    def target(self) -> int | None:
        """Where the instruction was about to go."""
        return self.crashing.instruction.target if self.crashing else None


def fault_of(dump: Minidump, exception: ExceptionRecord, context: Context, code_bytes: CodeBytes | None) -> Fault:
    """Put the parts together and decode the instruction."""
    mapped = AddressMap(dump.mappings)
    fault = Fault(exception, dump.system, context, dump.memory, mapped)
    if fault.fetch_failed:
        return fault
    crashing = crashing_instruction(context, dump.memory, mapped, code_bytes)
    return Fault(exception, dump.system, context, dump.memory, mapped, crashing)


def bad_pointer(fault: Fault) -> Pointer | None:
    """The pointer behind the crash address, where that hides it."""
    if not fault.is_memory_fault:
        return None
    unnamed = fault.is_general_protection or _is_unexplained_null(fault)
    return hidden_pointer(fault.accesses, fault.target, fault.system.arch, reported=None if unnamed else fault.address)


def _is_unexplained_null(fault: Fault) -> bool:
    """Breakpad wrote no si_code before 2019: then a general protection fault is an address 0 that was not touched."""
    if fault.address != 0 or fault.exception.flags != 0 or not fault.accesses:
        return False
    return not any(is_canonical(access.address, fault.system.arch) for access in fault.accesses)


def bad_address(fault: Fault, pointer: Pointer | None) -> int | None:
    """The address that was really used in a memory fault, ``None`` where nobody knows."""
    if not fault.is_memory_fault:
        return None
    if pointer is not None and pointer.kind is PointerKind.NON_CANONICAL:
        return pointer.address
    return None if fault.is_general_protection else fault.address


def access_at(fault: Fault, address: int | None) -> Access | None:
    """What was done to the bad address: by the OS, else by the instruction."""
    if fault.reported_access and not fault.is_general_protection:
        return fault.reported_access
    if fault.fetch_failed:
        return Access.EXECUTE
    if address is None:
        return None
    return next((access.access for access in fault.accesses if access.covers(address)), None)


def is_misaligned(fault: Fault) -> bool:
    """Whether the CPU refused a wide access because its address was not a multiple of its size."""
    if fault.crashing is None or not fault.is_memory_fault or not fault.is_general_protection:
        return False
    alignment = fault.crashing.decoded.alignment
    wide = [access.address for access in fault.accesses if access.size == alignment]
    return any(address % alignment and is_canonical(address, fault.system.arch) for address in wide)
