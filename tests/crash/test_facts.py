"""The facts of whole dumps, and that no dump makes the search for them fail."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cairn.crash.analysis.records import (
    Access,
    Inconsistency,
    OverflowEvidence,
    PointerKind,
)
from cairn.crash.explain import explain
from cairn.crash.facts import Facts, analyse
from cairn.crash.reason import crash_reason
from cairn.minidump.memory import Memory, MemoryRegion
from cairn.minidump.records import (
    Arch,
    Assertion,
    Context,
    ExceptionRecord,
    MappedRange,
    Minidump,
    Os,
    SystemInfo,
    Thread,
)
from tests.crash.crashes import CODE, SEGV_ACCERR, SI_KERNEL, SIGSEGV, STACK, context, crash, violation

MOV_TO_RAX_PLUS_16 = "48c7401000000000"  # mov qword ptr [rax + 0x10], 0
MOV_FROM_RAX_RCX = "488b0408"  # mov rax, qword ptr [rax + rcx]


def test_a_dump_without_an_exception_has_no_facts_but_words() -> None:
    dump = crash()._replace(exception=None, assertion=Assertion("", "x > 0", "check", "a.c", 3))
    assert analyse(dump) == Facts(assertion="x > 0 in function check, file a.c, line 3")


def test_a_null_pointer_behind_an_offset() -> None:
    facts = analyse(crash(MOV_TO_RAX_PLUS_16, address=0x10, rax=0))
    assert facts.access is Access.WRITE
    assert facts.pointer is not None
    assert (facts.pointer.kind, facts.pointer.offset, facts.pointer.register) == (PointerKind.NULL, 16, "rax")
    assert facts.inconsistencies == ()


def test_a_null_pointer_with_a_negative_offset() -> None:
    facts = analyse(violation("8b40f8", 0, 2**64 - 8, rax=0))
    assert facts.pointer is not None
    assert facts.pointer.offset == -8


def test_a_zero_base_that_is_not_the_crash_address_is_no_null_pointer() -> None:
    facts = analyse(crash(MOV_TO_RAX_PLUS_16, address=0x5000, rax=0))
    assert facts.pointer is None
    assert facts.inconsistencies == (Inconsistency.ADDRESS_NOT_ACCESSED,)


@pytest.mark.parametrize(
    ("os", "exception", "parameters", "address"),
    [
        (Os.LINUX, (SIGSEGV, SI_KERNEL), (), 0),
        (Os.LINUX, (SIGSEGV, 0), (), 0),
        (Os.MACOS, (1, 13), (), 0),
        (Os.WINDOWS, (0xC0000005, 0), (0, 2**64 - 1), CODE),
    ],
)
def test_the_real_address_of_a_general_protection_fault(
    os: Os, exception: tuple[int, int], parameters: tuple[int, ...], address: int
) -> None:
    dump = crash(
        MOV_FROM_RAX_RCX,
        os=os,
        exception=exception,
        parameters=parameters,
        address=address,
        rax=0xDDDDDDDDDDDDDDDD,
        rcx=8,
    )
    facts = analyse(dump)
    assert facts.pointer is not None
    assert (facts.pointer.kind, facts.pointer.address) == (PointerKind.NON_CANONICAL, 0xDDDDDDDDDDDDDDE5)
    assert facts.fill_pattern == "heap memory that was freed (MSVC debug runtime)"
    assert facts.inconsistencies == ()


def test_a_general_protection_fault_of_a_null_pointer_contradicts_itself() -> None:
    facts = analyse(crash(MOV_TO_RAX_PLUS_16, exception=(SIGSEGV, SI_KERNEL), rax=0x5000))
    assert facts.general_protection
    assert facts.pointer is None
    assert facts.inconsistencies == (Inconsistency.CANONICAL,)


def test_a_general_protection_fault_of_a_return_to_nowhere() -> None:
    facts = analyse(crash("c3", exception=(SIGSEGV, SI_KERNEL), memory={STACK: b"A" * 8}))
    assert facts.pointer is not None
    assert (facts.pointer.kind, facts.pointer.address) == (PointerKind.NON_CANONICAL, 0x4141414141414141)


def test_a_general_protection_fault_of_an_unaligned_vector() -> None:
    facts = analyse(crash("0f2900", exception=(SIGSEGV, SI_KERNEL), rax=0x5004))  # movaps [rax], xmm0
    assert facts.misaligned
    assert facts.inconsistencies == ()


def test_a_jump_to_a_bad_address_has_no_instruction() -> None:
    facts = analyse(crash(address=0x1234, pc=0x1234))
    assert (facts.access, facts.instruction) == (Access.EXECUTE, None)


def test_the_thread_gives_the_registers_where_the_exception_has_none() -> None:
    dump = crash(MOV_TO_RAX_PLUS_16, address=0x10, rax=0)
    assert dump.exception is not None
    thread = Thread(id=7, context=dump.exception.context)
    dump = dump._replace(exception=dump.exception._replace(context=None), threads=(Thread(id=3), thread))
    assert analyse(dump).pointer is not None
    assert analyse(dump._replace(threads=())).pointer is None


def test_code_that_the_dump_lacks_is_asked_for() -> None:
    asked: list[tuple[int, int]] = []

    def program(address: int, size: int) -> bytes | None:
        asked.append((address, size))
        return bytes.fromhex(MOV_TO_RAX_PLUS_16)

    facts = analyse(crash(address=0x10, rax=0), program)
    assert facts.instruction is not None
    assert facts.instruction.text == "mov qword ptr [rax + 0x10], 0"
    assert asked == [(CODE, 16)]


def test_a_guard_page() -> None:
    mappings = (MappedRange(0x10000, 0x20000, "rw-"), MappedRange(0x20000, 0x21000, "---"))
    facts = analyse(crash("8800", exception=(SIGSEGV, SEGV_ACCERR), address=0x20000, rax=0x20000, mappings=mappings))
    assert facts.guard_page
    assert facts.instruction is not None
    assert facts.instruction.accesses is not None
    assert facts.instruction.accesses[0].guard_page


def test_a_reported_stack_overflow() -> None:
    facts = analyse(crash(os=Os.WINDOWS, exception=(0xC00000FD, 0)))
    assert facts.stack_overflow is not None
    assert facts.stack_overflow.evidence is OverflowEvidence.REPORTED


def test_a_stack_overflow_that_only_memory_shows() -> None:
    facts = analyse(crash("50", address=STACK - 8))  # push rax
    assert facts.stack_overflow is not None
    assert facts.stack_overflow.evidence is OverflowEvidence.STACK_NOT_CAPTURED


_u64 = st.one_of(st.integers(0, 2**64 - 1), st.integers(0, 32), st.just(CODE), st.just(STACK))
_names = ["rax", "rcx", "rip", "rsp", "eax", "eip", "esp", "x0", "x1", "fp", "lr", "pc", "sp", "r0", "r1", "cpsr"]


@st.composite
def _dumps(draw: st.DrawFn) -> Minidump:
    arch, os = draw(st.sampled_from(Arch)), draw(st.sampled_from(Os))
    registers = draw(st.dictionaries(st.sampled_from(_names), _u64))
    held = Context(arch, registers, draw(_u64), draw(_u64))
    codes = st.sampled_from([1, 3, 6, 7, 8, 11, 0xC0000005, 0xC0000006, 0xC0000094, 0xC0000096, 0xC00000FD, 0xE06D7363])
    parameters = draw(st.lists(st.one_of(_u64, st.sampled_from([0, 1, 8, 0x19930520, CODE])), max_size=15))
    record = ExceptionRecord(
        thread_id=1,
        code=draw(codes),
        flags=draw(st.sampled_from([0, 1, 2, 13, 0x80, 0xFFFFFFFA])),
        address=draw(_u64),
        parameters=tuple(parameters),
        context=draw(st.sampled_from([held, None])),
    )
    regions = [
        MemoryRegion(draw(_u64), memoryview(draw(st.binary(max_size=200)))) for _ in range(draw(st.integers(0, 3)))
    ]
    permissions = st.sampled_from(["---", "r--", "rw-", "r-x", ""])
    mappings = [MappedRange(draw(_u64), draw(_u64), draw(permissions)) for _ in range(draw(st.integers(0, 3)))]
    return Minidump(
        timestamp=0,
        flags=0,
        big_endian=draw(st.booleans()),
        system=SystemInfo(arch=arch, os=os),
        memory=Memory.of(regions),
        exception=record,
        mappings=tuple(mappings),
    )


@settings(max_examples=600, deadline=None)
@given(dump=_dumps(), code=st.one_of(st.none(), st.binary(max_size=20)))
def test_no_dump_makes_it_fail(dump: Minidump, code: bytes | None) -> None:
    facts = analyse(dump, lambda address, size: code)
    assert dump.exception is not None
    said = explain(crash_reason(dump.exception, dump.system), facts)
    assert said and "\n" not in said
    assert len(facts.bit_flips) <= 64 * 4
    assert all(0 < flip.confidence <= 1 for flip in facts.bit_flips)


@settings(max_examples=400, deadline=None)
@given(
    code=st.binary(min_size=1, max_size=16),
    arch=st.sampled_from([Arch.X86, Arch.AMD64, Arch.ARM, Arch.ARM64]),
    cpsr=st.sampled_from([0, 0x20]),
    value=_u64,
)
def test_no_instruction_makes_it_fail(code: bytes, arch: Arch, cpsr: int, value: int) -> None:
    dump = crash(arch=arch, address=value, memory={CODE: code})
    assert dump.exception is not None
    names = {name: value for name in _names}
    held = context(arch)._replace(registers={**names, "cpsr": cpsr})
    facts = analyse(dump._replace(exception=dump.exception._replace(context=held)))
    for access in (facts.instruction.accesses or ()) if facts.instruction else ():
        assert 0 <= access.address < 1 << (8 * arch.pointer_size)
