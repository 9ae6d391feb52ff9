"""The words and the address of a crash, by the tables of each operating system."""

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cairn.crash.fault_address import DUMP_REQUESTED
from cairn.crash.reason import Reason, crash_reason
from cairn.minidump.records import Arch, ExceptionRecord, Os, SystemInfo

MINUS_ONE = 0xFFFFFFFFFFFFFFFF


def reason(
    os: Os,
    code: int,
    flags: int = 0,
    parameters: tuple[int, ...] = (),
    *,
    arch: Arch = Arch.AMD64,
    address: int = 0x1000,
) -> Reason:
    record = ExceptionRecord(thread_id=1, code=code, flags=flags, address=address, parameters=parameters)
    return crash_reason(record, SystemInfo(arch=arch, os=os))


@pytest.mark.parametrize(
    ("code", "parameters", "text"),
    [
        (0x80000003, (), "EXCEPTION_BREAKPOINT"),
        (0xC0000005, (), "EXCEPTION_ACCESS_VIOLATION"),
        (0xC0000005, (0, 0x45), "EXCEPTION_ACCESS_VIOLATION_READ"),
        (0xC0000005, (1, 0x45), "EXCEPTION_ACCESS_VIOLATION_WRITE"),
        (0xC0000005, (8, 0x45), "EXCEPTION_ACCESS_VIOLATION_EXEC"),
        (0xC0000005, (2, 0x45), "EXCEPTION_ACCESS_VIOLATION"),
        (0xC0000006, (0, 0x45), "EXCEPTION_IN_PAGE_ERROR"),
        (0xC0000006, (0, 0x45, 0xC0000010), "EXCEPTION_IN_PAGE_ERROR_READ / STATUS_INVALID_DEVICE_REQUEST"),
        (0xC0000006, (1, 0x45, 0xFFFFFFFFC0000010), "EXCEPTION_IN_PAGE_ERROR_WRITE / STATUS_INVALID_DEVICE_REQUEST"),
        (0xC0000006, (0, 0x45, 0xCFFFFFFF), "EXCEPTION_IN_PAGE_ERROR_READ / 0xcfffffff"),
        (0xC0000006, (7, 0x45, 0xC0000010), "EXCEPTION_IN_PAGE_ERROR"),
        (0xC0000409, (), "STATUS_STACK_BUFFER_OVERRUN"),
        (0xC0000409, (2,), "EXCEPTION_STACK_BUFFER_OVERRUN / FAST_FAIL_STACK_COOKIE_CHECK_FAILURE"),
        (0xC0000409, (7,), "EXCEPTION_STACK_BUFFER_OVERRUN / FAST_FAIL_FATAL_APP_EXIT"),
        (0xC0000409, (0x999,), "EXCEPTION_STACK_BUFFER_OVERRUN / 0x00000999"),
        (0xC00000FD, (), "EXCEPTION_STACK_OVERFLOW"),
        (0xC000000D, (), "STATUS_INVALID_PARAMETER"),
        (0xC0000374, (), "STATUS_HEAP_CORRUPTION"),
        (1, (), "ERROR_INVALID_FUNCTION"),
        (0x103, (), "ERROR_NO_MORE_ITEMS"),
        (0xE0000008, (), "Out of Memory"),
        (0xE06D7363, (), "Unhandled C++ Exception"),
        (0x0517A7ED, (), "Simulated Exception"),
        (0xE0434352, (), "MANAGED_EXCEPTION_CODE_V4"),
        (0xC06D007E, (), "FACILITY_VISUALCPP / ERROR_MOD_NOT_FOUND"),
        (0xDEADBEEF, (), "unknown 0xdeadbeef"),
    ],
)
def test_windows(code: int, parameters: tuple[int, ...], text: str) -> None:
    assert reason(Os.WINDOWS, code, parameters=parameters).text == text


@pytest.mark.parametrize("os", [Os.LINUX, Os.ANDROID])
@pytest.mark.parametrize(
    ("signal", "si_code", "text"),
    [
        (11, 0, "SIGSEGV"),
        (11, 1, "SIGSEGV / SEGV_MAPERR"),
        (11, 2, "SIGSEGV / SEGV_ACCERR"),
        (11, 0x80, "SIGSEGV / SI_KERNEL"),
        (11, 9, "SIGSEGV / 0x00000009"),
        (7, 2, "SIGBUS / BUS_ADRERR"),
        (4, 2, "SIGILL / ILL_ILLOPN"),
        (5, 1, "SIGTRAP / TRAP_BRKPT"),
        (8, 1, "SIGFPE / FPE_INTDIV"),
        (31, 1, "SIGSYS / SYS_SECCOMP"),
        (6, 0, "SIGABRT"),
        (6, 0xFFFFFFFA, "SIGABRT / SI_TKILL"),
        (6, 0xFFFFFFFF, "SIGABRT / SI_QUEUE"),
        (6, 0xFFFFFFC4, "SIGABRT / SI_ASYNCNL"),
        (6, 1, "SIGABRT / 0x00000001"),
        (DUMP_REQUESTED, 0, "DUMP_REQUESTED"),
        (0, 0, "unknown 0x00000000 / 0x00000000"),
        (99, 3, "unknown 0x00000063 / 0x00000003"),
    ],
)
def test_linux(os: Os, signal: int, si_code: int, text: str) -> None:
    assert reason(os, signal, si_code).text == text


@pytest.mark.parametrize(
    ("arch", "code", "flags", "text"),
    [
        (Arch.AMD64, 1, 1, "EXC_BAD_ACCESS / KERN_INVALID_ADDRESS"),
        (Arch.ARM64, 1, 2, "EXC_BAD_ACCESS / KERN_PROTECTION_FAILURE"),
        (Arch.AMD64, 1, 50, "EXC_BAD_ACCESS / KERN_CODESIGN_ERROR"),
        (Arch.AMD64, 1, 13, "EXC_BAD_ACCESS / EXC_I386_GPFLT"),
        (Arch.ARM64, 1, 13, "EXC_BAD_ACCESS / 0x0000000d"),
        (Arch.ARM64, 1, 0x101, "EXC_BAD_ACCESS / EXC_ARM_DA_ALIGN"),
        (Arch.ARM64, 1, 0x105, "EXC_BAD_ACCESS / EXC_ARM_PAC_FAIL"),
        (Arch.ARM, 1, 0x101, "EXC_BAD_ACCESS / EXC_ARM_DA_ALIGN"),
        (Arch.PPC, 1, 0x101, "EXC_BAD_ACCESS / EXC_PPC_VM_PROT_READ"),
        (Arch.AMD64, 2, 1, "EXC_BAD_INSTRUCTION / EXC_I386_INVOP"),
        (Arch.ARM64, 2, 1, "EXC_BAD_INSTRUCTION / EXC_ARM_UNDEFINED"),
        (Arch.X86, 3, 1, "EXC_ARITHMETIC / EXC_I386_DIV"),
        (Arch.ARM64, 3, 2, "EXC_ARITHMETIC / EXC_ARM_FP_DZ"),
        (Arch.AMD64, 4, 7, "EXC_EMULATION / 0x00000007"),
        (Arch.AMD64, 5, 0x10002, "EXC_SOFTWARE / SIGABRT"),
        (Arch.ARM64, 5, 0xDEADC0DE, "EXC_SOFTWARE / UNCAUGHT_NS_EXCEPTION"),
        (Arch.AMD64, 6, 2, "EXC_BREAKPOINT / EXC_I386_BPT"),
        (Arch.ARM64, 6, 1, "EXC_BREAKPOINT / EXC_ARM_BREAKPOINT"),
        (Arch.MIPS, 6, 1, "EXC_BREAKPOINT / 0x00000001"),
        (Arch.ARM64, 9, 0, "EXC_RPC_ALERT / 0x00000000"),
        (Arch.ARM64, 10, 0, "unknown 0x0000000a / 0x00000000"),
        (Arch.AMD64, 0, 0, "unknown 0x00000000 / 0x00000000"),
        (Arch.AMD64, 0x43507378, 0, "Simulated Exception"),
        (Arch.AMD64, 0x43506E78, 0, "Uncaught NSException"),
    ],
)
def test_apple(arch: Arch, code: int, flags: int, text: str) -> None:
    assert reason(Os.MACOS, code, flags, arch=arch).text == text
    assert reason(Os.IOS, code, flags, arch=arch).text == text


def _mach(exception: int, kind: int, code: int, subcode: int) -> str:
    code |= kind << 61
    return reason(Os.MACOS, exception, code >> 32 & 0xFFFFFFFF, (exception, code, subcode)).text


@pytest.mark.parametrize(
    ("kind", "code", "subcode", "detail"),
    [
        (
            1,
            2 << 58 | 180 << 7 | 50,
            82,
            "CPU / FLAVOR_CPU_MONITOR_FATAL interval: 180s CPU limit: 50% CPU consumed: 82%",
        ),
        (
            2,
            1 << 58 | 300 << 20 | 150,
            200,
            "WAKEUPS / FLAVOR_WAKEUPS_MONITOR interval: 300s wakeups permitted: 150 wakeups observed: 200",
        ),
        (3, 1 << 58 | 2048, 0, "MEMORY / FLAVOR_HIGH_WATERMARK high watermark limit: 2048MiB"),
        (
            4,
            2 << 58 | 60 << 15 | 12,
            13,
            "IO / FLAVOR_IO_LOGICAL_WRITES interval: 60s I/O limit: 12% I/O observed: 13%",
        ),
        (5, 1 << 58 | 99, 0, "THREADS / FLAVOR_THREADS_HIGH_WATERMARK high watermark limit: 99"),
        (3, 7 << 58 | 1, 2, "MEMORY / 0x7c00000000000001 / 0x0000000000000002"),
    ],
)
def test_apple_resource(kind: int, code: int, subcode: int, detail: str) -> None:
    assert _mach(11, kind, code, subcode) == f"EXC_RESOURCE / RESOURCE_TYPE_{detail}"


@pytest.mark.parametrize(
    ("kind", "code", "subcode", "detail"),
    [
        (0, 5, 6, "NONE"),
        (1, 1 << 32 | 77, 5, "MACH_PORT / GUARD_EXC_DESTROY port name: 77 guard identifier: 5"),
        (2, 1 << 32 | 9, 5, "FD / GUARD_EXC_CLOSE file descriptor: 9 guard identifier: 5"),
        (3, 44, 5, "USER / namespace: 44 guard identifier: 5"),
        (4, 4 << 32 | 123, 5, "VN / GUARD_EXC_UNLINK pid: 123 guard identifier: 5"),
        (5, 1 << 32, 4096, "VIRT_MEMORY / GUARD_EXC_DEALLOC_GAP offset: 4096"),
        (6, 0, 31, "REJECTED_SC / GUARD_EXC_MACH_TRAP subcode: 31"),
        (2, 3 << 32, 5, "FD / 0x4000000300000000 / 0x0000000000000005"),
    ],
)
def test_apple_guard(kind: int, code: int, subcode: int, detail: str) -> None:
    assert _mach(12, kind, code, subcode) == f"EXC_GUARD / GUARD_TYPE_{detail}"


def test_apple_resource_and_guard_of_no_known_kind() -> None:
    assert reason(Os.MACOS, 11, 0xE0000000).text == "EXC_RESOURCE / 0xe0000000"
    assert reason(Os.MACOS, 12, 0xE0000000).text == "EXC_GUARD / 0xe0000000"


def test_an_os_without_tables_gives_the_numbers() -> None:
    assert reason(Os.FUCHSIA, 0x10, 0x20).text == "unknown 0x00000010 / 0x00000020"


@pytest.mark.parametrize(
    ("os", "arch", "code", "parameters", "address", "expected"),
    [
        (Os.WINDOWS, Arch.AMD64, 0xC0000005, (1, 0x45), 0x401000, 0x45),
        (Os.WINDOWS, Arch.AMD64, 0xC0000006, (0, 0x99, 0xC0000010), 0x401000, 0x99),
        (Os.WINDOWS, Arch.AMD64, 0xC0000005, (1,), 0x401000, 0x401000),
        (Os.WINDOWS, Arch.AMD64, 0x80000003, (0, 0x45), 0x401000, 0x401000),
        (Os.WINDOWS, Arch.X86, 0xC0000005, (1, 0xFFFFFFFF80000045), 0x401000, 0x80000045),
        (Os.LINUX, Arch.ARM, 11, (), 0xFFFFFFFFDEAD0000, 0xDEAD0000),
        (Os.LINUX, Arch.AMD64, 11, (), 0xFFFFFFFFDEAD0000, 0xFFFFFFFFDEAD0000),
        (Os.LINUX, Arch.AMD64, 0xC0000005, (1, 0x45), 0x401000, 0x401000),
    ],
)
def test_address(*, os: Os, arch: Arch, code: int, parameters: tuple[int, ...], address: int, expected: int) -> None:
    assert reason(os, code, parameters=parameters, arch=arch, address=address).address == expected


@pytest.mark.parametrize(
    ("os", "arch", "code", "flags", "parameters", "address", "meaningful"),
    [
        (Os.LINUX, Arch.AMD64, 11, 1, (), 0, True),
        (Os.LINUX, Arch.AMD64, 11, 0, (), 0, True),
        (Os.LINUX, Arch.AMD64, 11, 0x80, (), 0, False),
        (Os.LINUX, Arch.AMD64, 11, 0xFFFFFFFA, (), 0x3E8000039BE, False),
        (Os.LINUX, Arch.ARM64, 7, 0x80, (), 0, False),
        (Os.LINUX, Arch.AMD64, 6, 0, (), 0x3E8000039BE, False),
        (Os.LINUX, Arch.AMD64, 6, 0xFFFFFFFA, (), 0x3E8000039BE, False),
        (Os.LINUX, Arch.AMD64, DUMP_REQUESTED, 0, (), 0x401000, True),
        (Os.WINDOWS, Arch.AMD64, 0xC0000005, 0, (0, MINUS_ONE), 0x401000, False),
        (Os.WINDOWS, Arch.AMD64, 0xC0000005, 0, (1, MINUS_ONE), 0x401000, True),
        (Os.WINDOWS, Arch.X86, 0xC0000005, 0, (0, MINUS_ONE), 0x401000, True),
        (Os.MACOS, Arch.AMD64, 1, 13, (), 0, False),
        (Os.MACOS, Arch.AMD64, 1, 1, (), 0, True),
    ],
)
def test_address_is_meaningful(
    *, os: Os, arch: Arch, code: int, flags: int, parameters: tuple[int, ...], address: int, meaningful: bool
) -> None:
    found = reason(os, code, flags, parameters, arch=arch, address=address)
    assert found.address_is_meaningful is meaningful


@pytest.mark.parametrize(
    ("os", "code", "is_crash"),
    [
        (Os.LINUX, DUMP_REQUESTED, False),
        (Os.LINUX, 11, True),
        (Os.MACOS, 0, False),
        (Os.MACOS, 0x43507378, False),
        (Os.MACOS, 0x43506E78, True),
        (Os.WINDOWS, 0x0517A7ED, False),
        (Os.WINDOWS, 0, True),
    ],
)
def test_a_dump_that_was_asked_for_is_no_crash(os: Os, code: int, is_crash: bool) -> None:
    assert reason(os, code).is_crash is is_crash


_u32 = st.integers(0, 2**32 - 1)
_u64 = st.integers(0, 2**64 - 1)


@given(
    os=st.sampled_from(Os),
    arch=st.sampled_from(Arch),
    code=st.one_of(st.integers(0, 32), st.sampled_from([0xC0000005, 0xC0000006, 0xC0000409]), _u32),
    flags=_u32,
    parameters=st.lists(st.one_of(st.integers(0, 8), _u64), max_size=15).map(tuple),
    address=_u64,
)
def test_any_record_has_a_short_reason(
    *, os: Os, arch: Arch, code: int, flags: int, parameters: tuple[int, ...], address: int
) -> None:
    found = reason(os, code, flags, parameters, arch=arch, address=address)
    assert 0 < len(found.text) < 200
    assert 0 <= found.address < 1 << (8 * arch.pointer_size)


def test_a_crash_on_linux_reads_no_table_of_windows() -> None:
    program = """
import sys
from pathlib import Path
read = []
true_read = Path.read_bytes
Path.read_bytes = lambda self: read.append(self.name) or true_read(self)
from cairn.crash.reason import crash_reason
from cairn.minidump.records import Arch, ExceptionRecord, Os, SystemInfo
assert read == []
crash_reason(ExceptionRecord(1, 11, 1, 0), SystemInfo(Arch.AMD64, Os.LINUX))
crash_reason(ExceptionRecord(1, 0xC0000005, 0, 0, (0, 1)), SystemInfo(Arch.AMD64, Os.WINDOWS))
print(*read)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["linux.json", "windows.json"]
