"""The address a crash is about, and whether it says anything."""

from __future__ import annotations

from cairn.crash.analysis.records import Access
from cairn.minidump.records import Arch, ExceptionRecord, Os, SystemInfo

ACCESS_VIOLATION = 0xC0000005
IN_PAGE_ERROR = 0xC0000006

SIGILL, SIGTRAP, SIGBUS, SIGFPE, SIGSEGV, SIGSYS = 4, 5, 7, 8, 11, 31
FAULT_SIGNALS = frozenset({SIGILL, SIGTRAP, SIGBUS, SIGFPE, SIGSEGV, SIGSYS})
DUMP_REQUESTED = 0xFFFFFFFF
SI_USER, SI_KERNEL = 0, 0x80
# The ILL_*, SEGV_* … kinds are small positive numbers; SI_KERNEL and the negative SI_* codes lie outside.
_KINDS = range(1, SI_KERNEL)

EXC_BAD_ACCESS, EXC_I386_GPFLT = 1, 13

_WINDOWS_ACCESS = {0: Access.READ, 1: Access.WRITE, 8: Access.EXECUTE}


def crash_address(exception: ExceptionRecord, system: SystemInfo) -> int:
    """The address as rust-minidump and Breakpad give it: what was touched, else the record's own address.

    Cut to the width of a pointer: 32-bit dumps hold sign-extended ones.
    """
    address = exception.address
    touched = system.os is Os.WINDOWS and exception.code in (ACCESS_VIOLATION, IN_PAGE_ERROR)
    if touched and len(exception.parameters) >= 2:
        address = exception.parameters[1]
    return address & ((1 << (8 * system.arch.pointer_size)) - 1)


def is_general_protection(exception: ExceptionRecord, system: SystemInfo) -> bool:
    """Whether the CPU refused an address without telling which one (amd64: a non-canonical address, mostly).

    The OS then fills in 0 (Linux, macOS) or -1 (Windows): neither is the address the program used.
    """
    if system.arch is not Arch.AMD64:
        return False
    address = crash_address(exception, system)
    match system.os:
        case Os.WINDOWS:
            read = exception.code == ACCESS_VIOLATION and exception.parameters[:1] == (0,)
            return read and address == 0xFFFFFFFFFFFFFFFF
        case Os.LINUX | Os.ANDROID:
            return exception.code in (SIGSEGV, SIGBUS) and exception.flags == SI_KERNEL and address == 0
        case Os.MACOS | Os.IOS:
            return exception.code == EXC_BAD_ACCESS and exception.flags == EXC_I386_GPFLT and address == 0
    return False


def address_is_meaningful(exception: ExceptionRecord, system: SystemInfo) -> bool:
    """Whether the crash address is memory that was touched, or an instruction that faulted.

    It is not after a general protection fault, nor when a signal was sent by kill, raise or abort: the kernel then
    keeps the sender's process and user id in the same bytes.
    """
    if is_general_protection(exception, system):
        return False
    if system.os not in (Os.LINUX, Os.ANDROID) or exception.code == DUMP_REQUESTED:
        return True
    # Breakpad wrote no si_code before 2019, so 0 with a fault signal reads as "unknown", not as "sent by kill".
    return exception.code in FAULT_SIGNALS and (exception.flags == SI_USER or exception.flags in _KINDS)


def is_memory_fault(exception: ExceptionRecord, system: SystemInfo) -> bool:
    """Whether the process stopped because it touched memory that it must not touch."""
    match system.os:
        case Os.WINDOWS:
            return exception.code in (ACCESS_VIOLATION, IN_PAGE_ERROR)
        case Os.LINUX | Os.ANDROID:
            kernel = exception.flags == SI_USER or exception.flags in range(1, SI_KERNEL + 1)
            return exception.code in (SIGSEGV, SIGBUS) and kernel
        case Os.MACOS | Os.IOS:
            return exception.code == EXC_BAD_ACCESS
    return False


def reported_access(exception: ExceptionRecord, system: SystemInfo) -> Access | None:
    """What the OS says was done to the address; only Windows does."""
    if system.os is not Os.WINDOWS or not is_memory_fault(exception, system) or not exception.parameters:
        return None
    return _WINDOWS_ACCESS.get(exception.parameters[0])
