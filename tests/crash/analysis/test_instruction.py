"""What an instruction touches and where it goes, on all four architectures."""

import subprocess
import sys

import pytest

from cairn.crash.analysis.address_map import AddressMap
from cairn.crash.analysis.decode import decode
from cairn.crash.analysis.instruction import crashing_instruction
from cairn.crash.analysis.records import Instruction
from cairn.minidump.memory import Memory
from cairn.minidump.records import Arch
from tests.crash.crashes import CODE, STACK, context, region

X86_STACK = 0x8000


def instruction(
    code: str, arch: Arch, registers: dict[str, int], memory: dict[int, bytes] | None = None
) -> Instruction:
    regions = [region(CODE, bytes.fromhex(code)), *(region(start, data) for start, data in (memory or {}).items())]
    sp = STACK if arch.pointer_size == 8 else X86_STACK
    found = crashing_instruction(context(arch, sp=sp, registers=registers), Memory.of(regions), AddressMap(()))
    assert found is not None
    return found.instruction


def touched(found: Instruction) -> list[tuple[int, int | None, str]] | None:
    if found.accesses is None:
        return None
    return [(access.address, access.size, access.access.value) for access in found.accesses]


@pytest.mark.parametrize(
    ("code", "registers", "text", "accesses"),
    [
        ("c70005000000", {"rax": 0}, "mov dword ptr [rax], 5", [(0, 4, "write")]),
        ("8b042500000000", {}, "mov eax, dword ptr [0]", [(0, 4, "read")]),
        ("0000", {"rax": 9}, "add byte ptr [rax], al", [(9, 1, "readwrite")]),
        ("f77dfc", {"rbp": 0x100}, "idiv dword ptr [rbp - 4]", [(0xFC, 4, "read")]),
        ("48890488", {"rax": 1, "rcx": 3}, "mov qword ptr [rax + rcx*4], rax", [(13, 8, "write")]),
        ("8b0500010000", {}, "mov eax, dword ptr [rip + 0x100]", [(CODE + 6 + 0x100, 4, "read")]),
        ("678b00", {"rax": 0x1_00000005}, "mov eax, dword ptr [eax]", [(5, 4, "read")]),
        ("a4", {"rsi": 1, "rdi": 2}, "movsb byte ptr [rdi], byte ptr [rsi]", [(2, 1, "write"), (1, 1, "read")]),
        ("c5fe6f00", {"rax": 64}, "vmovdqu ymm0, ymmword ptr [rax]", [(64, 32, "read")]),
        ("0fae00", {"rax": 64}, "fxsave [rax]", [(64, None, "write")]),
        ("488d00", {"rax": 0}, "lea rax, [rax]", []),
        ("0f1f00", {"rax": 0}, "nop dword ptr [rax]", []),
        ("cd29", {}, "int 0x29", []),
        ("50", {"rax": 0}, "push rax", [(STACK - 8, 8, "write")]),
        ("ff30", {"rax": 0}, "push qword ptr [rax]", [(0, 8, "read"), (STACK - 8, 8, "write")]),
        ("58", {}, "pop rax", [(STACK, 8, "read")]),
        ("c9", {"rbp": 0x70}, "leave", [(0x70, 8, "read")]),
        ("e800000000", {}, "call 0x401005", [(STACK - 8, 8, "write")]),
        ("64488b042528000000", {}, "mov rax, qword ptr fs:[0x28]", None),
        ("488b00", {}, "mov rax, qword ptr [rax]", None),
    ],
)
def test_amd64(
    code: str, registers: dict[str, int], text: str, accesses: list[tuple[int, int | None, str]] | None
) -> None:
    found = instruction(code, Arch.AMD64, registers)
    assert (found.text, touched(found)) == (text, accesses)


@pytest.mark.parametrize(
    ("arch", "code", "registers", "text", "accesses"),
    [
        (Arch.X86, "8b00", {"eax": 0x41414141}, "mov eax, dword ptr [eax]", [(0x41414141, 4, "read")]),
        (Arch.X86, "8b4010", {"eax": 0xFFFFFFFF}, "mov eax, dword ptr [eax + 0x10]", [(15, 4, "read")]),
        (Arch.X86, "51", {}, "push ecx", [(X86_STACK - 4, 4, "write")]),
        (Arch.X86, "c3", {}, "ret", [(X86_STACK, 4, "read")]),
        (Arch.ARM64, "200040f9", {"x1": 0}, "ldr x0, [x1]", [(0, 8, "read")]),
        (Arch.ARM64, "200000b9", {"x1": 8}, "str w0, [x1]", [(8, 4, "write")]),
        (Arch.ARM64, "20040039", {"x1": 8}, "strb w0, [x1, #1]", [(9, 1, "write")]),
        (Arch.ARM64, "fd7bbfa9", {}, "stp x29, x30, [sp, #-0x10]!", [(STACK - 16, 16, "write")]),
        (Arch.ARM64, "208440f8", {"x1": 8}, "ldr x0, [x1], #8", [(8, 8, "read")]),
        (Arch.ARM64, "207862b8", {"x1": 8, "x2": 3}, "ldr w0, [x1, x2, lsl #2]", [(20, 4, "read")]),
        (Arch.ARM64, "20c862b8", {"x1": 8, "x2": 0xFFFFFFFE}, "ldr w0, [x1, w2, sxtw]", [(6, 4, "read")]),
        (Arch.ARM64, "2004c03d", {"x1": 0}, "ldr q0, [x1, #0x10]", [(16, 16, "read")]),
        (Arch.ARM64, "a20020f8", {"x5": 16}, "ldadd x0, x2, [x5]", [(16, 8, "readwrite")]),
        (Arch.ARM64, "200020d4", {}, "brk #1", []),
        (Arch.ARM, "000090e5", {"r0": 0}, "ldr r0, [r0]", [(0, 4, "read")]),
        (Arch.ARM, "0010c1e5", {"r1": 5}, "strb r1, [r1]", [(5, 1, "write")]),
        (Arch.ARM, "020111e7", {"r1": 64, "r2": 2}, "ldr r0, [r1, -r2, lsl #2]", [(56, 4, "read")]),
        (Arch.ARM, "04009fe5", {}, "ldr r0, [pc, #4]", [(CODE + 12, 4, "read")]),
        (Arch.ARM, "00482de9", {}, "push {fp, lr}", [(X86_STACK - 8, 8, "write")]),
        (Arch.ARM, "031090e8", {"r0": 64}, "ldm r0, {r0, r1, ip}", [(64, 12, "read")]),
        (Arch.ARM, "0868", {"r1": 4, "cpsr": 0x20}, "ldr r0, [r1]", [(4, 4, "read")]),
        (Arch.ARM, "d1e90001", {"r1": 4, "cpsr": 0x20}, "ldrd r0, r1, [r1]", [(4, 8, "read")]),
    ],
)
def test_other_architectures(
    *, arch: Arch, code: str, registers: dict[str, int], text: str, accesses: list[tuple[int, int | None, str]]
) -> None:
    found = instruction(code, arch, registers)
    assert (found.text, touched(found)) == (text, accesses)


@pytest.mark.parametrize(
    ("arch", "code", "registers", "target"),
    [
        (Arch.AMD64, "ffd0", {"rax": 0x1234}, 0x1234),
        (Arch.AMD64, "ff20", {"rax": 0x9000}, 0x1122334455667788),
        (Arch.AMD64, "ff20", {"rax": 0xA000}, None),
        (Arch.AMD64, "c3", {}, 0x99),
        (Arch.AMD64, "e800000000", {}, None),
        (Arch.X86, "ff10", {"eax": 0x9000}, 0x55667788),
        (Arch.ARM64, "00003fd6", {"x0": 0x1234}, 0x1234),
        (Arch.ARM64, "c0035fd6", {"lr": 0x1234}, 0x1234),
        (Arch.ARM, "33ff2fe1", {"r3": 0x1234}, 0x1234),
    ],
)
def test_where_it_was_about_to_go(arch: Arch, code: str, registers: dict[str, int], target: int | None) -> None:
    memory = {0x9000: bytes.fromhex("8877665544332211"), STACK: (0x99).to_bytes(8, "little")}
    assert instruction(code, arch, registers, memory).target == target


@pytest.mark.parametrize(
    ("code", "arch"), [(b"\xff\xff\xff", Arch.AMD64), (b"\x48", Arch.AMD64), (b"\0" * 4, Arch.MIPS)]
)
def test_what_cannot_be_decoded(code: bytes, arch: Arch) -> None:
    assert decode(code, 0, arch) is None


def test_code_at_the_end_of_a_region_still_decodes() -> None:
    assert instruction("c3", Arch.AMD64, {}).text == "ret"


def test_all_else_works_without_capstone() -> None:
    program = """
import sys
sys.modules["capstone"] = None
from tests.crash.crashes import crash
from cairn.crash.facts import analyse
facts = analyse(crash("c3", address=0x10))
assert facts.instruction is None
print(facts.access)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=".")
    assert done.stdout == "None\n"


def test_capstone_is_not_imported_before_there_is_an_instruction() -> None:
    program = "import sys; import cairn.crash.facts, cairn.crash.explain; print('capstone' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
