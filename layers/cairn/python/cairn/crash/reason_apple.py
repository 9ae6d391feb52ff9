"""Crash reasons of macOS and iOS: Mach exceptions.

``exception.code`` is the Mach exception, ``exception.flags`` the low half of its first code; the parameters, where the
writer gives them, are the exception, the full 64-bit code and the subcode. The layouts of EXC_RESOURCE and EXC_GUARD
are those of XNU's ``exc_resource.h`` and ``exc_guard.h``.
"""

from __future__ import annotations

from cairn.crash.codes import code_name
from cairn.minidump.records import Arch, ExceptionRecord

_CPU_FAMILY = {Arch.X86: "x86", Arch.AMD64: "x86", Arch.ARM: "arm", Arch.ARM64: "arm", Arch.PPC: "ppc"}
_IN_WORDS = {
    0x43507378: "Simulated Exception",  # 'CPsx', Crashpad's DumpWithoutCrash
    0x43506E78: "Uncaught NSException",  # 'CPnx', Crashpad on iOS; Breakpad has these words, rust-minidump none
}


def apple_reason(exception: ExceptionRecord, arch: Arch) -> str | None:
    """``EXC_BAD_ACCESS / KERN_INVALID_ADDRESS`` and the like; ``None`` for an exception without a name."""
    if exception.code in _IN_WORDS:
        return _IN_WORDS[exception.code]
    name = code_name("apple", "exception", exception.code)
    if name is None:
        return None
    if name in ("EXC_RESOURCE", "EXC_GUARD"):
        detail = _resource(exception) if name == "EXC_RESOURCE" else _guard(exception)
    else:
        detail = code_name("apple", name, exception.flags)
        detail = detail or code_name("apple", f"{name} {_CPU_FAMILY.get(arch)}", exception.flags)
    return f"{name} / {detail or f'0x{exception.flags:08x}'}"


def _codes(exception: ExceptionRecord) -> tuple[int, int]:
    padded = (*exception.parameters[:3], 0, 0, 0)
    return padded[1], padded[2]


def _raw(code: int, subcode: int) -> str:
    return f"0x{code:016x} / 0x{subcode:016x}"


def _resource(exception: ExceptionRecord) -> str | None:
    kind = code_name("apple", "resource", exception.flags >> 29 & 7)
    if kind is None:
        return None
    code, subcode = _codes(exception)
    flavor = code_name("apple", kind, code >> 58 & 7)
    detail = f"{flavor} {_resource_limits(kind, code, subcode)}" if flavor else _raw(code, subcode)
    return f"{kind} / {detail}"


def _resource_limits(kind: str, code: int, subcode: int) -> str:
    match kind:
        case "RESOURCE_TYPE_CPU":
            interval = code >> 7 & 0x1FFFFFF
            return f"interval: {interval}s CPU limit: {code & 0x7F}% CPU consumed: {subcode & 0x7F}%"
        case "RESOURCE_TYPE_WAKEUPS":
            interval = code >> 20 & 0xFFFFF
            permitted, observed = code & 0xFFF, subcode & 0xFFF
            return f"interval: {interval}s wakeups permitted: {permitted} wakeups observed: {observed}"
        case "RESOURCE_TYPE_MEMORY":
            return f"high watermark limit: {code & 0x1FFF}MiB"
        case "RESOURCE_TYPE_IO":
            interval = code >> 15 & 0x1FFFF
            return f"interval: {interval}s I/O limit: {code & 0x7FFF}% I/O observed: {subcode & 0x7FFF}%"
    return f"high watermark limit: {code & 0x7FFF}"


def _guard(exception: ExceptionRecord) -> str | None:
    kind = code_name("apple", "guard", exception.flags >> 29 & 7)
    if kind is None or kind == "GUARD_TYPE_NONE":
        return kind
    code, subcode = _codes(exception)
    if kind == "GUARD_TYPE_USER":
        return f"{kind} / namespace: {code & 0xFFFFFFFF} guard identifier: {subcode}"
    flavor = code_name("apple", kind, code >> 32 & 0x1FFFFFFF)
    return f"{kind} / {f'{flavor}{_guarded(kind, code, subcode)}' if flavor else _raw(code, subcode)}"


def _guarded(kind: str, code: int, subcode: int) -> str:
    target = code & 0xFFFFFFF
    match kind:
        case "GUARD_TYPE_MACH_PORT":
            return f" port name: {target} guard identifier: {subcode}"
        case "GUARD_TYPE_FD":
            return f" file descriptor: {target} guard identifier: {subcode}"
        case "GUARD_TYPE_VN":
            return f" pid: {target} guard identifier: {subcode}"
        case "GUARD_TYPE_VIRT_MEMORY":
            return f" offset: {subcode}"
    return f" subcode: {subcode}"
