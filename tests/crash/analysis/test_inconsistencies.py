"""Reasons that the instruction contradicts, and those that only seem contradicted."""

import pytest

from cairn.crash.analysis.records import Inconsistency
from cairn.crash.facts import analyse
from cairn.minidump.records import Arch, MappedRange, Minidump, Os
from tests.crash.crashes import CODE, SEGV_ACCERR, SI_KERNEL, SIGSEGV, crash, violation

DIVISION, PRIVILEGED, CANONICAL, ALLOWED, ELSEWHERE = Inconsistency
WINDOWS_DIVISION, WINDOWS_PRIVILEGED = (0xC0000094, 0), (0xC0000096, 0)
DIV_ECX, DIV_RAX, NOP, HLT, MOVAPS, STORE = "f7f1", "f730", "90", "f4", "0f2900", "c70005000000"
READABLE = (MappedRange(0x5000, 0x6000, "r--"),)
WRITABLE = (MappedRange(0x5000, 0x6000, "rw-"),)
ACCERR = (SIGSEGV, SEGV_ACCERR)
GENERAL = (SIGSEGV, SI_KERNEL)


@pytest.mark.parametrize(
    ("dump", "found"),
    [
        (crash(DIV_ECX, os=Os.WINDOWS, exception=WINDOWS_DIVISION, rcx=0), ()),
        (crash(DIV_ECX, os=Os.WINDOWS, exception=WINDOWS_DIVISION, rcx=3), (DIVISION,)),
        (crash(NOP, os=Os.WINDOWS, exception=WINDOWS_DIVISION), (DIVISION,)),
        (
            crash("f730", os=Os.WINDOWS, exception=WINDOWS_DIVISION, rax=0x9000, memory={0x9000: b"\1\0\0\0"}),
            (DIVISION,),
        ),
        (crash("f730", os=Os.WINDOWS, exception=WINDOWS_DIVISION, rax=0x9000, memory={0x9000: bytes(4)}), ()),
        (crash(DIV_ECX, exception=(8, 1), rcx=3), ()),  # POSIX has one code for this and for an overflow
        (crash(NOP, exception=(8, 1)), (DIVISION,)),
        (crash(NOP, exception=(8, 0)), ()),
        (crash(NOP, os=Os.MACOS, exception=(3, 1)), (DIVISION,)),
        (crash(HLT, os=Os.WINDOWS, exception=WINDOWS_PRIVILEGED), ()),
        (crash(NOP, os=Os.WINDOWS, exception=WINDOWS_PRIVILEGED), (PRIVILEGED,)),
        (crash(HLT, exception=GENERAL), ()),
        (crash(NOP, exception=GENERAL), (CANONICAL,)),
        (crash(MOVAPS, exception=GENERAL, rax=0x5008), ()),
        (crash(MOVAPS, exception=GENERAL, rax=0x5010), (CANONICAL,)),
        (crash(STORE, exception=GENERAL, rax=1 << 60), ()),
        (crash(STORE, exception=ACCERR, address=0x5000, rax=0x5000, mappings=READABLE), ()),
        (crash(STORE, exception=ACCERR, address=0x5000, rax=0x5000, mappings=WRITABLE), (ALLOWED,)),
        (crash(STORE, exception=ACCERR, address=0x5000, rax=0x5000), ()),
        (crash(STORE, exception=ACCERR, address=0x7000, rax=0x5000), (ELSEWHERE,)),
        (crash(STORE, exception=ACCERR, address=0x5002, rax=0x5000), ()),
        (crash(STORE, exception=(SIGSEGV, 0), address=0x7000, rax=0x5000), ()),  # old Breakpad: not sure of anything
        (crash(STORE, exception=(7, 2), address=0x5000, rax=0x5000, mappings=WRITABLE), ()),  # SIGBUS: not permissions
        (crash(STORE, exception=ACCERR, address=CODE + 4, rax=0x5000), ()),  # the instruction's own second page
        (crash("f3a4", exception=ACCERR, address=0x7000, rsi=0x5000, rdi=0x6000, rcx=0x9000), ()),
        (crash("ffe0", exception=ACCERR, address=0x7000, rax=0x7000), ()),
        (violation(STORE, 1, 0x7000, rax=0x5000), (ELSEWHERE,)),
        (crash("8b00", arch=Arch.X86, exception=ACCERR, address=0x7000, eax=0x5000), (ELSEWHERE,)),
        (crash("200040f9", arch=Arch.ARM64, exception=ACCERR, address=0x7000, x1=0x5000), ()),
    ],
)
def test_inconsistencies(dump: Minidump, found: tuple[Inconsistency, ...]) -> None:
    assert analyse(dump).inconsistencies == found
