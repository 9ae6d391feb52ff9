"""The one sentence, for every kind of crash."""

import pytest

from cairn.crash.analysis.records import (
    Access,
    BitFlip,
    CppException,
    Inconsistency,
    OverflowEvidence,
    Pointer,
    PointerKind,
    StackOverflow,
)
from cairn.crash.explain import explain
from cairn.crash.facts import Facts
from cairn.crash.reason import Reason

WRITE, READ, JUMP = Facts(access=Access.WRITE), Facts(access=Access.READ), Facts(access=Access.EXECUTE)
NO_ADDRESS = Pointer(PointerKind.NON_CANONICAL, 0xDDDDDDDDDDDDDDDD)
FREED = "heap memory that was freed (MSVC debug runtime)"


@pytest.mark.parametrize(
    ("text", "address", "facts", "sentence"),
    [
        ("SIGSEGV / SEGV_MAPERR", 0x10, WRITE, "wrote to 0x10: a null pointer plus 16 bytes"),
        ("SIGSEGV / SEGV_MAPERR", 1, READ, "read from 0x1: a null pointer plus 1 byte"),
        ("EXCEPTION_ACCESS_VIOLATION_READ", 0, READ, "read from 0x0: a null pointer"),
        (
            "EXCEPTION_ACCESS_VIOLATION_READ",
            2**64 - 8,
            Facts(access=Access.READ, pointer=Pointer(PointerKind.NULL, 2**64 - 8, -8)),
            "read from 0xfffffffffffffff8: a null pointer minus 8 bytes",
        ),
        (
            "SIGSEGV / SEGV_MAPERR",
            0x123456,
            Facts(access=Access.WRITE, pointer=Pointer(PointerKind.NULL, 0x123456, 0x123456)),
            "wrote to 0x123456: a null pointer plus 1193046 bytes",
        ),
        ("SIGSEGV / SEGV_MAPERR", 0, JUMP, "called a null function pointer"),
        ("SIGSEGV / SEGV_MAPERR", 8, JUMP, "jumped to 0x8: a null pointer plus 8 bytes"),
        ("SIGSEGV / SEGV_MAPERR", 0x123456, WRITE, "wrote to 0x123456: no memory is mapped there"),
        ("SIGSEGV / SEGV_ACCERR", 0x123456, WRITE, "wrote to 0x123456: the permissions of that memory forbid it"),
        ("SIGBUS / BUS_ADRALN", 0x123457, READ, "read from 0x123457: the address is not aligned"),
        ("EXC_BAD_ACCESS / EXC_ARM_PAC_FAIL", 0x123456, JUMP, "jumped to 0x123456: the pointer's signature is wrong"),
        (
            "EXCEPTION_ACCESS_VIOLATION_EXEC",
            0x123456,
            JUMP,
            "jumped to 0x123456: that memory is not there, or its permissions forbid it",
        ),
        (
            "EXCEPTION_IN_PAGE_ERROR_READ / STATUS_DISK_FULL",
            0x123456,
            READ,
            "read from 0x123456: the system could not load that memory from disk (STATUS_DISK_FULL)",
        ),
        (
            "EXCEPTION_IN_PAGE_ERROR",
            0x123456,
            Facts(),
            "touched 0x123456: the system could not load that memory from disk",
        ),
        (
            "SIGSEGV / SEGV_ACCERR",
            0x123456,
            Facts(access=Access.READ, guard_page=True),
            "read from 0x123456: a guard page, which nothing may touch",
        ),
        (
            "EXCEPTION_ACCESS_VIOLATION_READ",
            0xDDDDDDDD,
            Facts(access=Access.READ, fill_pattern=FREED),
            f"read from 0xdddddddd: the pointer looks like {FREED}",
        ),
        (
            "SIGSEGV / SI_KERNEL",
            0,
            Facts(access=Access.READ, general_protection=True, pointer=NO_ADDRESS, fill_pattern=FREED),
            f"read from 0xdddddddddddddddd, which is no address at all: the pointer looks like {FREED}",
        ),
        (
            "EXC_BAD_ACCESS / EXC_I386_GPFLT",
            0,
            Facts(general_protection=True),
            "used an address that the CPU refused without telling which (general protection fault)",
        ),
        (
            "SIGSEGV / SI_KERNEL",
            0,
            Facts(general_protection=True, misaligned=True),
            "used memory at an address that is not aligned as the instruction needs it",
        ),
        (
            "EXCEPTION_STACK_OVERFLOW",
            0x401000,
            Facts(stack_overflow=StackOverflow(OverflowEvidence.REPORTED)),
            "the stack overflowed: calls nested too deep, or too much was kept on the stack",
        ),
        (
            "SIGSEGV / SEGV_ACCERR",
            0x123456,
            Facts(stack_overflow=StackOverflow(OverflowEvidence.GUARD_PAGE), guard_page=True),
            "most likely the stack overflowed: calls nested too deep, or too much was kept on the stack",
        ),
        ("STATUS_INVALID_PARAMETER", 0, Facts(assertion="x > 0"), "an assertion failed: x > 0"),
        (
            "Unhandled C++ Exception",
            0,
            Facts(cpp_exception=CppException(("std::bad_alloc", "std::exception"), "bad allocation")),
            "a C++ exception of type std::bad_alloc was not caught: bad allocation",
        ),
        ("Unhandled C++ Exception", 0, Facts(), "a C++ exception was not caught"),
        ("SIGSEGV / SI_TKILL", 0x3E80000, Facts(), "was sent the signal SIGSEGV by a program, perhaps by itself"),
        ("SIGABRT / SI_TKILL", 0x3E80000, Facts(), "the program aborted itself"),
        ("SIGABRT", 0, Facts(abort_message="double free\nmore"), "the program aborted itself: double free"),
        ("SIGFPE / FPE_INTDIV", 0, Facts(), "a division by zero, or one whose result was too large"),
        ("EXCEPTION_INT_DIVIDE_BY_ZERO", 0, Facts(), "a division by zero"),
        ("EXC_ARITHMETIC / EXC_I386_DIV", 0, Facts(), "a division by zero, or one whose result was too large"),
        ("EXC_BREAKPOINT / EXC_ARM_BREAKPOINT", 0, Facts(), "hit a breakpoint, or a check in the program that failed"),
        (
            "STATUS_HEAP_CORRUPTION",
            0,
            Facts(),
            "the heap is corrupt: memory was overrun, or freed twice, some time before",
        ),
        (
            "EXCEPTION_STACK_BUFFER_OVERRUN / FAST_FAIL_STACK_COOKIE_CHECK_FAILURE",
            0,
            Facts(),
            "a stack buffer was overrun (fast fail: stack cookie)",
        ),
        (
            "EXCEPTION_STACK_BUFFER_OVERRUN / FAST_FAIL_APCS_DISABLED",
            0,
            Facts(),
            "the program stopped itself because a check failed (fast fail: FAST_FAIL_APCS_DISABLED)",
        ),
        ("FACILITY_VISUALCPP / ERROR_MOD_NOT_FOUND", 0, Facts(), "a DLL that is loaded on demand was not found"),
        ("ERROR_INVALID_FUNCTION", 0, Facts(), "stopped with ERROR_INVALID_FUNCTION"),
        ("unknown 0x00000063 / 0x00000003", 0, Facts(), "stopped with unknown 0x00000063 / 0x00000003"),
    ],
)
def test_explain(text: str, address: int, facts: Facts, sentence: str) -> None:
    assert explain(Reason(text, address), facts) == sentence


def test_no_crash() -> None:
    said = explain(Reason("DUMP_REQUESTED", 0, is_crash=False), Facts())
    assert said == "no crash: somebody asked for a dump of the running program"


def test_doubts() -> None:
    reason = Reason("SIGSEGV / SEGV_MAPERR", 0x10)
    impossible = explain(reason, Facts(inconsistencies=(Inconsistency.ADDRESS_NOT_ACCESSED,)))
    assert impossible.endswith("; the instruction there cannot do this, so the hardware or the dump may be damaged")
    flipped = explain(reason, Facts(bit_flips=(BitFlip(0x5000, 0.925),)))
    assert flipped.endswith("; one flipped bit would make the address valid, so the memory of the machine may be bad")
    assert ";" not in explain(reason, Facts(bit_flips=(BitFlip(0x5000, 0.6625),)))
