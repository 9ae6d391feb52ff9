"""Why the process stopped, in the words of rust-minidump."""

from __future__ import annotations

from typing import NamedTuple

from cairn.crash.fault_address import DUMP_REQUESTED, address_is_meaningful, crash_address
from cairn.crash.reason_apple import apple_reason
from cairn.crash.reason_linux import linux_reason
from cairn.crash.reason_windows import windows_reason
from cairn.minidump.records import ExceptionRecord, Os, SystemInfo

# Crashpad's DumpWithoutCrash, on Windows and on macOS.
_SIMULATED = {Os.WINDOWS: 0x0517A7ED, Os.MACOS: 0x43507378, Os.IOS: 0x43507378}


class Reason(NamedTuple):
    """``text`` as rust-minidump prints it (``SIGSEGV / SEGV_MAPERR``); ``address`` as it and Breakpad give it.

    ``address_is_meaningful`` is false where the address is none that the program used (a signal sent by kill or abort,
    a general protection fault). ``is_crash`` is false where somebody asked for a dump of a healthy process.
    """

    text: str
    address: int
    address_is_meaningful: bool = True
    is_crash: bool = True


def crash_reason(exception: ExceptionRecord, system: SystemInfo) -> Reason:
    """What ``exception`` means on the operating system that raised it; never raises."""
    return Reason(
        text=_text(exception, system),
        address=crash_address(exception, system),
        address_is_meaningful=address_is_meaningful(exception, system),
        is_crash=not _was_requested(exception, system.os),
    )


def _text(exception: ExceptionRecord, system: SystemInfo) -> str:
    text: str | None = None
    match system.os:
        case Os.WINDOWS:
            text = windows_reason(exception)
        case Os.LINUX | Os.ANDROID:
            text = linux_reason(exception)
        case Os.MACOS | Os.IOS:
            text = apple_reason(exception, system.arch)
    return text or f"unknown 0x{exception.code:08x} / 0x{exception.flags:08x}"


def _was_requested(exception: ExceptionRecord, os: Os) -> bool:
    if os in (Os.LINUX, Os.ANDROID):
        return exception.code == DUMP_REQUESTED
    # Crashpad on macOS writes an exception of code 0 into dumps that were asked for.
    return exception.code == _SIMULATED.get(os) or (os in (Os.MACOS, Os.IOS) and exception.code == 0)
