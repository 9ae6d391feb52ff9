"""A crash in one sentence of plain English, for a person who does not know the codes."""

from __future__ import annotations

from cairn.crash.analysis.records import Access, OverflowEvidence, PointerKind
from cairn.crash.facts import Facts
from cairn.crash.reason import Reason

NULL_PAGE = 0x10000
"""Addresses below are taken for a null pointer and an offset: no system maps memory there unasked."""

SURE_BIT_FLIP = 0.8
"""Bit flips of less confidence are left to the facts."""

_MEMORY = ("EXCEPTION_ACCESS_VIOLATION", "EXCEPTION_IN_PAGE_ERROR", "SIGSEGV", "SIGBUS", "EXC_BAD_ACCESS")
_SENT = ("SI_TKILL", "SI_QUEUE", "SI_TIMER", "SI_MESGQ", "SI_ASYNCIO", "SI_SIGIO")
_VERBS = {
    Access.READ: "read from",
    Access.WRITE: "wrote to",
    Access.READ_WRITE: "wrote to",
    Access.EXECUTE: "jumped to",
    None: "touched",
}
_MEMORY_DETAILS = {
    "SEGV_MAPERR": "no memory is mapped there",
    "KERN_INVALID_ADDRESS": "no memory is mapped there",
    "SEGV_ACCERR": "the permissions of that memory forbid it",
    "KERN_PROTECTION_FAILURE": "the permissions of that memory forbid it",
    "SEGV_PKUERR": "a protection key forbids it",
    "SEGV_BNDERR": "a bounds check failed",
    "BUS_ADRALN": "the address is not aligned",
    "EXC_ARM_DA_ALIGN": "the address is not aligned",
    "EXC_ARM_PAC_FAIL": "the pointer's signature is wrong",
    "BUS_ADRERR": "a mapped file ends before it, or memory ran out",
    "BUS_MCEERR_AR": "the hardware found bad memory there",
    "BUS_MCEERR_AO": "the hardware found bad memory there",
    "KERN_CODESIGN_ERROR": "the signature of the code is not valid",
}
_FAST_FAILS = {
    "LEGACY_GS_VIOLATION": "a stack buffer was overrun (fast fail: stack cookie)",
    "STACK_COOKIE_CHECK_FAILURE": "a stack buffer was overrun (fast fail: stack cookie)",
    "VTGUARD_CHECK_FAILURE": "an object's virtual table was overwritten (fast fail: virtual table guard)",
    "CORRUPT_LIST_ENTRY": "a linked list was corrupt (fast fail: list entry)",
    "INCORRECT_STACK": "the stack pointer was outside of the stack (fast fail: stack)",
    "INVALID_ARG": "a library function was given an invalid argument (fast fail: invalid argument)",
    "FATAL_APP_EXIT": "the program gave up: abort, terminate or an uncaught exception (fast fail: fatal exit)",
    "RANGE_CHECK_FAILURE": "an index was out of range (fast fail: range check)",
    "GUARD_ICALL_CHECK_FAILURE": "an indirect call went where no function begins (fast fail: control flow guard)",
    "HEAP_METADATA_CORRUPTION": "the heap is corrupt (fast fail: heap metadata)",
}
_REASONS = {
    "EXCEPTION_BREAKPOINT": "hit a breakpoint, or a check in the program that failed",
    "SIGTRAP": "hit a breakpoint, or a check in the program that failed",
    "EXC_BREAKPOINT": "hit a breakpoint, or a check in the program that failed",
    "EXCEPTION_ILLEGAL_INSTRUCTION": "executed an instruction the CPU does not have, or a trap the compiler had set",
    "SIGILL": "executed an instruction the CPU does not have, or a trap the compiler had set",
    "EXC_BAD_INSTRUCTION": "executed an instruction the CPU does not have, or a trap the compiler had set",
    "EXCEPTION_PRIV_INSTRUCTION": "executed an instruction that only the operating system may use",
    "EXCEPTION_INT_DIVIDE_BY_ZERO": "a division by zero",
    "EXCEPTION_FLT_DIVIDE_BY_ZERO": "a division by zero",
    "EXC_ARITHMETIC / EXC_ARM_FP_DZ": "a division by zero",
    "EXC_ARITHMETIC / EXC_I386_DIV": "a division by zero, or one whose result was too large",
    "SIGFPE / FPE_FLTDIV": "a division by zero",
    "SIGFPE / FPE_INTDIV": "a division by zero, or one whose result was too large",
    "SIGFPE": "an arithmetic fault, such as a division by zero",
    "EXC_ARITHMETIC": "an arithmetic fault, such as a division by zero",
    "EXCEPTION_INT_OVERFLOW": "an integer became too large",
    "EXCEPTION_NONCONTINUABLE_EXCEPTION": "went on after an exception that must end the program",
    "SIGABRT": "the program aborted itself",
    "EXC_SOFTWARE / SIGABRT": "the program aborted itself",
    "SIGSYS": "made a system call that is forbidden to it",
    "Out of Memory": "ran out of memory",
    "Unhandled C++ Exception": "a C++ exception was not caught",
    "MANAGED_EXCEPTION_CODE_V4": "a .NET exception was not caught",
    "Uncaught NSException": "an Objective-C exception was not caught",
    "EXC_SOFTWARE / UNCAUGHT_NS_EXCEPTION": "an Objective-C exception was not caught",
    "STATUS_HEAP_CORRUPTION": "the heap is corrupt: memory was overrun, or freed twice, some time before",
    "STATUS_STACK_BUFFER_OVERRUN": "the program stopped itself because a security check failed",
    "FACILITY_VISUALCPP / ERROR_MOD_NOT_FOUND": "a DLL that is loaded on demand was not found",
    "FACILITY_VISUALCPP / ERROR_PROC_NOT_FOUND": "a function was not found in a DLL that is loaded on demand",
    "EXC_RESOURCE": "used more of a resource than the system allows",
    "EXC_GUARD": "used something that the system guards, such as a file descriptor that is not its own",
}


def explain(reason: Reason, facts: Facts) -> str:
    """What happened, beginning in lower case and without a full stop: ``wrote to 0x10: a null pointer plus 16 bytes``.

    The codes stay in ``reason.text``. What is only likely is said so.
    """
    if not reason.is_crash:
        return "no crash: somebody asked for a dump of the running program"
    return _said(reason, facts) + _doubts(facts)


def _said(reason: Reason, facts: Facts) -> str:
    if facts.stack_overflow:
        likely = "" if facts.stack_overflow.evidence is OverflowEvidence.REPORTED else "most likely "
        return f"{likely}the stack overflowed: calls nested too deep, or too much was kept on the stack"
    if facts.assertion:
        return f"an assertion failed: {facts.assertion}"
    if facts.cpp_exception:
        said = f": {facts.cpp_exception.message}" if facts.cpp_exception.message else ""
        return f"a C++ exception of type {facts.cpp_exception.types[0]} was not caught{said}"
    if _was_sent(reason):
        return f"was sent the signal {_head(reason)} by a program, perhaps by itself"
    if _head(reason).startswith(_MEMORY):
        return _memory_fault(reason, facts)
    return _by_reason(reason, facts)


def _head(reason: Reason) -> str:
    return reason.text.partition(" / ")[0]


def _detail(reason: Reason) -> str:
    return reason.text.rpartition(" / ")[2]


def _was_sent(reason: Reason) -> bool:
    return _detail(reason) in _SENT and _head(reason) != "SIGABRT"


def _by_reason(reason: Reason, facts: Facts) -> str:
    fast_fail = _FAST_FAILS.get(_detail(reason).removeprefix("FAST_FAIL_"))
    said = fast_fail or _REASONS.get(reason.text) or _REASONS.get(_head(reason))
    if said is None:
        if reason.text.startswith("EXCEPTION_STACK_BUFFER_OVERRUN"):
            said = f"the program stopped itself because a check failed (fast fail: {_detail(reason)})"
        else:
            said = f"stopped with {reason.text}"
    last_words = (facts.abort_message or "").partition("\n")[0]
    return f"{said}: {last_words}" if last_words else said


def _memory_fault(reason: Reason, facts: Facts) -> str:
    verb = _VERBS[facts.access]
    if facts.pointer and facts.pointer.kind is PointerKind.NON_CANONICAL:
        return f"{verb} 0x{facts.pointer.address:x}, which is no address at all{_filled(facts)}"
    if facts.misaligned:
        return "used memory at an address that is not aligned as the instruction needs it"
    if facts.general_protection:
        return "used an address that the CPU refused without telling which (general protection fault)"
    if facts.access is Access.EXECUTE and reason.address == 0:
        return "called a null function pointer"
    return f"{verb} 0x{reason.address:x}{_why(reason, facts)}"


def _why(reason: Reason, facts: Facts) -> str:
    if facts.pointer and facts.pointer.kind is PointerKind.NULL:
        return f": {_null_plus(facts.pointer.offset)}"
    if reason.address < NULL_PAGE:
        return f": {_null_plus(reason.address)}"
    if facts.fill_pattern:
        return _filled(facts)
    if facts.guard_page:
        return ": a guard page, which nothing may touch"
    if reason.text.startswith("EXCEPTION_IN_PAGE_ERROR"):
        status = f" ({_detail(reason)})" if " / " in reason.text else ""
        return f": the system could not load that memory from disk{status}"
    detail = _MEMORY_DETAILS.get(_detail(reason), "that memory is not there, or its permissions forbid it")
    return f": {detail}"


def _filled(facts: Facts) -> str:
    return f": the pointer looks like {facts.fill_pattern}" if facts.fill_pattern else ""


def _null_plus(offset: int) -> str:
    if offset == 0:
        return "a null pointer"
    bytes_ = "byte" if abs(offset) == 1 else "bytes"
    return f"a null pointer {'plus' if offset > 0 else 'minus'} {abs(offset)} {bytes_}"


def _doubts(facts: Facts) -> str:
    if facts.inconsistencies:
        return "; the instruction there cannot do this, so the hardware or the dump may be damaged"
    if any(flip.confidence >= SURE_BIT_FLIP for flip in facts.bit_flips):
        return "; one flipped bit would make the address valid, so the memory of the machine may be bad"
    return ""
