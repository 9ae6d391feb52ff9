"""Reasons that the crashing instruction contradicts: a hint at bad hardware, or at a damaged dump.

The checks are rust-minidump's, less where x86 itself allows what they call impossible.
"""

from __future__ import annotations

from collections.abc import Iterator

from cairn.crash.analysis.fault import Fault, is_misaligned
from cairn.crash.analysis.instruction import Crashing, operand_value
from cairn.crash.analysis.pointer import is_canonical
from cairn.crash.analysis.records import Inconsistency
from cairn.crash.fault_address import SIGFPE, SIGSEGV
from cairn.minidump.records import Arch, Os

_INT_DIVIDE_BY_ZERO, _PRIV_INSTRUCTION = 0xC0000094, 0xC0000096
_FPE_INTDIV, _SEGV_MAPERR, _SEGV_ACCERR = 1, 1, 2
_EXC_ARITHMETIC, _EXC_I386_DIV = 3, 1


def inconsistencies(fault: Fault) -> tuple[Inconsistency, ...]:
    """All contradictions, on x86 and amd64; none where the instruction is not in the dump."""
    if fault.system.arch not in (Arch.X86, Arch.AMD64):
        return ()
    return tuple(_contradictions(fault))


def _contradictions(fault: Fault) -> Iterator[Inconsistency]:
    if fault.crashing is not None:
        if _impossible_division(fault, fault.crashing):
            yield Inconsistency.DIVISION_WITHOUT_DIVISION
        privilege = fault.system.os is Os.WINDOWS and fault.exception.code == _PRIV_INSTRUCTION
        if privilege and not fault.crashing.decoded.privileged:
            yield Inconsistency.NOT_PRIVILEGED
        if _no_reason_for_protection(fault, fault.crashing):
            yield Inconsistency.CANONICAL
        if _address_not_accessed(fault, fault.crashing):
            yield Inconsistency.ADDRESS_NOT_ACCESSED
    if _access_allowed(fault):
        yield Inconsistency.ACCESS_ALLOWED


def _impossible_division(fault: Fault, crashing: Crashing) -> bool:
    exception, os = fault.exception, fault.system.os
    divided = (
        (os is Os.WINDOWS and exception.code == _INT_DIVIDE_BY_ZERO)
        or (os in (Os.LINUX, Os.ANDROID) and exception.code == SIGFPE and exception.flags == _FPE_INTDIV)
        or (os in (Os.MACOS, Os.IOS) and exception.code == _EXC_ARITHMETIC and exception.flags == _EXC_I386_DIV)
    )
    if not divided:
        return False
    if crashing.decoded.divisor is None:
        return crashing.decoded.mnemonic not in ("div", "idiv", "aam")
    # The CPU raises one fault for a zero divisor and for a quotient too large; only Windows tells them apart.
    divisor = operand_value(crashing.decoded.divisor, fault.context, fault.memory)
    return os is Os.WINDOWS and bool(divisor)


def _no_reason_for_protection(fault: Fault, crashing: Crashing) -> bool:
    if not fault.is_general_protection or crashing.instruction.accesses is None or crashing.decoded.privileged:
        return False
    touched = [access.address for access in fault.accesses]
    if fault.target is not None:
        touched.append(fault.target)
    return not is_misaligned(fault) and all(is_canonical(address, fault.system.arch) for address in touched)


def _has_address(fault: Fault) -> bool:
    """Whether the fault is one of permissions, at an address that the OS names."""
    if not fault.is_memory_fault or fault.is_general_protection:
        return False
    if fault.system.os in (Os.LINUX, Os.ANDROID):
        return fault.exception.code == SIGSEGV and fault.exception.flags in (_SEGV_MAPERR, _SEGV_ACCERR)
    return True


def _address_not_accessed(fault: Fault, crashing: Crashing) -> bool:
    if not _has_address(fault) or crashing.instruction.accesses is None or crashing.decoded.repeats:
        return False
    if any(access.size is None for access in fault.accesses):
        return False
    code = range(crashing.instruction.address, crashing.instruction.address + crashing.decoded.size)
    if fault.address in code or fault.address == fault.target:
        return False
    return not any(access.covers(fault.address) for access in fault.accesses)


def _access_allowed(fault: Fault) -> bool:
    if not _has_address(fault):
        return False
    decoded = (access.access for access in fault.accesses if access.covers(fault.address))
    access = fault.reported_access or next(decoded, None)
    return access is not None and fault.mapped.permits(fault.address, access)
