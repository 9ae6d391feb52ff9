"""Crash reasons of Windows: exception codes, Win32 errors, NTSTATUS, fast fails."""

from __future__ import annotations

from cairn.crash.codes import code_name
from cairn.minidump.records import ExceptionRecord

_IN_WORDS = {
    "OUT_OF_MEMORY": "Out of Memory",
    "UNHANDLED_CPP_EXCEPTION": "Unhandled C++ Exception",
    "SIMULATED": "Simulated Exception",
}


def windows_reason(exception: ExceptionRecord) -> str:
    """The name of the code, refined by the parameters where Windows puts more into them.

    A number that is both a Win32 error and an NTSTATUS reads as the Win32 error, as rust-minidump has it.
    """
    name = code_name("windows", "exception", exception.code)
    if name is not None:
        return _IN_WORDS.get(name) or _refined(name, exception.parameters)
    return _refined(windows_error(exception.code), exception.parameters)


def windows_error(code: int) -> str:
    """The name of a Win32 error, an NTSTATUS, or an error in the Visual C++ facility; ``unknown 0x…`` for neither."""
    return (
        code_name("winerror", "winerror", code)
        or code_name("ntstatus", "ntstatus", code)
        or _with_facility(code)
        or f"unknown 0x{code:08x}"
    )


def _with_facility(code: int) -> str | None:
    facility = code_name("windows", "facility", (code & 0x0FFF0000) >> 16)
    error = code_name("winerror", "winerror", code & 0xFFFF)
    return f"{facility} / {error}" if code & 0xF0000000 and facility and error else None


def _refined(name: str, parameters: tuple[int, ...]) -> str:
    match name:
        case "EXCEPTION_ACCESS_VIOLATION" if parameters:
            access = code_name("windows", "access", parameters[0])
            return f"{name}_{access}" if access else name
        case "EXCEPTION_IN_PAGE_ERROR" if len(parameters) >= 3:
            access = code_name("windows", "access", parameters[0])
            return f"{name}_{access} / {_ntstatus(parameters[2])}" if access else name
        case "STATUS_STACK_BUFFER_OVERRUN" if parameters:
            failure = code_name("windows", "fast_fail", parameters[0]) or f"0x{parameters[0]:08x}"
            return f"EXCEPTION_STACK_BUFFER_OVERRUN / {failure}"
    return name


def _ntstatus(status: int) -> str:
    """32-bit NTSTATUS values arrive sign-extended to 64 bits."""
    status &= 0xFFFFFFFF
    return code_name("ntstatus", "ntstatus", status) or f"0x{status:08x}"
