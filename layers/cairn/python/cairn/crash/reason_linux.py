"""Crash reasons of Linux and Android: signal and si_code."""

from __future__ import annotations

from cairn.crash.codes import code_name
from cairn.minidump.records import ExceptionRecord


def linux_reason(exception: ExceptionRecord) -> str | None:
    """``SIGSEGV / SEGV_MAPERR``, ``SIGABRT / SI_TKILL``, a bare ``SIGABRT`` for SI_USER; ``None`` for no known signal.

    ``exception.code`` is the signal, ``exception.flags`` the si_code as unsigned 32-bit number.
    """
    signal = code_name("linux", "signal", exception.code)
    if signal is None:
        return None
    kind = code_name("linux", signal, exception.flags) or code_name("linux", "si_code", _signed(exception.flags))
    if kind == "SI_USER":
        return signal
    return f"{signal} / {kind or f'0x{exception.flags:08x}'}"


def _signed(flags: int) -> int:
    return flags - (1 << 32) if flags >> 31 == 1 else flags
