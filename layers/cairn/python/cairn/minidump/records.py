"""What a minidump says, as frozen records.

Addresses, sizes and codes are plain ``int``. A field that the dump does not have is ``None`` (or an empty tuple);
nothing here is ever invented. The reader (``reader.py``) is the only maker of these outside the tests.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import NamedTuple

from cairn.minidump.memory import Memory, MemoryRegion


class Arch(StrEnum):
    """CPU architectures, by the names that rust-minidump prints."""

    X86 = "x86"
    AMD64 = "amd64"
    ARM = "arm"
    ARM64 = "arm64"
    MIPS = "mips"
    MIPS64 = "mips64"
    PPC = "ppc"
    PPC64 = "ppc64"
    SPARC = "sparc"
    RISCV = "riscv"
    RISCV64 = "riscv64"
    UNKNOWN = "unknown"

    @property
    def pointer_size(self) -> int:
        """Bytes in an address."""
        wide = (Arch.AMD64, Arch.ARM64, Arch.MIPS64, Arch.PPC64, Arch.SPARC, Arch.RISCV64)
        return 8 if self in wide else 4


class Os(StrEnum):
    """Operating systems, by Sentry's names (``contexts.os.name``)."""

    WINDOWS = "Windows"
    MACOS = "macOS"
    IOS = "iOS"
    LINUX = "Linux"
    ANDROID = "Android"
    SOLARIS = "Solaris"
    PS3 = "PS3"
    NACL = "NaCl"
    FUCHSIA = "Fuchsia"
    UNKNOWN = ""


class Context(NamedTuple):
    """The CPU registers of a thread.

    ``registers`` has the architecture's own lower-case names without ``$``: ``rip``, ``eip``, ``r15``, ``x29``, ``lr``,
    ``sp``, ``pc`` … On arm64 ``x29`` and ``x30`` are stored as ``fp`` and ``lr``; on arm ``r13``-``r15`` as ``sp``,
    ``lr``, ``pc``.
    """

    arch: Arch
    registers: Mapping[str, int]
    pc: int
    sp: int


class Thread(NamedTuple):
    """One thread of the crashed process, in the order of the thread list.

    ``stack`` is the memory to walk, already found (thread descriptor, or the memory list where its RVA is 0).
    ``start_address`` is the function the thread began with (Windows, ThreadInfoList).
    """

    id: int
    name: str | None = None
    context: Context | None = None
    stack: MemoryRegion | None = None
    suspend_count: int = 0
    priority_class: int = 0
    priority: int = 0
    teb: int = 0
    last_error: int | None = None
    start_address: int | None = None


class Module(NamedTuple):
    """A loaded module. Ids follow section 1.5 of the notes on the format.

    ``debug_id`` is the hyphenated lower-case GUID with ``-<age hex>`` when the age is not zero
    (``3249d99d-0c40-4931-8610-f4e4fb0b6936-1``), ``code_id`` lower-case hex. Both are ``None`` where the dump has none.
    """

    base: int
    size: int
    code_file: str
    code_id: str | None = None
    debug_file: str | None = None
    debug_id: str | None = None
    version: str | None = None
    timestamp: int = 0
    checksum: int = 0

    @property
    def end(self) -> int:
        """The first address behind the module."""
        return self.base + self.size

    @property
    def name(self) -> str:
        """The last part of the path, whichever slash it uses."""
        return self.code_file.replace("\\", "/").rpartition("/")[2]


class UnloadedModule(NamedTuple):
    """A module that was unloaded before the crash (Windows)."""

    base: int
    size: int
    code_file: str
    code_id: str | None = None


class ExceptionRecord(NamedTuple):
    """What stopped the process. ``code`` and ``flags`` mean what the OS says: signal and si_code on Linux, exception
    and code on macOS, NTSTATUS and flags on Windows. ``context`` beats the thread's own context."""

    thread_id: int
    code: int
    flags: int
    address: int
    parameters: tuple[int, ...] = ()
    nested_record: int = 0
    context: Context | None = None


class SystemInfo(NamedTuple):
    """The machine. ``os_version`` is ``major.minor.build`` or, on Linux, the kernel's release; ``os_build`` what is
    left of the version text. ``cpu_info`` is ``family 6 model 58 stepping 9`` and the like."""

    arch: Arch
    os: Os
    os_version: str = ""
    os_build: str = ""
    csd_version: str = ""
    cpu_count: int = 0
    cpu_info: str = ""
    platform_id: int = 0


class MiscInfo(NamedTuple):
    """The process: id, and times in seconds (Unix time for ``created``)."""

    process_id: int | None = None
    created: int | None = None
    user_time: int | None = None
    kernel_time: int | None = None
    build: str | None = None


class BreakpadInfo(NamedTuple):
    """Which thread wrote the dump and which one asked for it."""

    dump_thread_id: int | None
    requesting_thread_id: int | None


class Assertion(NamedTuple):
    """A failed check of the C runtime, as Breakpad's Windows handler records it."""

    kind: str
    expression: str
    function: str
    file: str
    line: int


class CrashpadModule(NamedTuple):
    """Crashpad's annotations of one module; ``objects`` holds the string-typed annotation objects."""

    module_index: int
    simple: Mapping[str, str] = {}
    listed: tuple[str, ...] = ()
    objects: Mapping[str, str] = {}


class CrashpadInfo(NamedTuple):
    """Crashpad's own stream: report and client id as hyphenated GUIDs, annotations of the process and its modules."""

    report_id: str
    client_id: str
    annotations: Mapping[str, str] = {}
    modules: tuple[CrashpadModule, ...] = ()


class MappedRange(NamedTuple):
    """A range of the address space with its permissions (``/proc/<pid>/maps``, or the Windows memory info list).

    ``permissions`` is ``rwx`` with ``-`` for what is missing; ``path`` the mapped file, if any. ``committed`` is false
    for reserved and free ranges.
    """

    start: int
    end: int
    permissions: str
    path: str | None = None
    committed: bool = True


class LinuxInfo(NamedTuple):
    """The text files of ``/proc`` that a Linux writer copies; keys and values as the files have them."""

    cpuinfo: str = ""
    status: str = ""
    lsb_release: Mapping[str, str] = {}
    command_line: tuple[str, ...] = ()
    environment: Mapping[str, str] = {}
    auxv: Mapping[int, int] = {}
    limits: str = ""

    @property
    def process_id(self) -> int | None:
        """``Pid:`` of the status file."""
        lines = (line for line in self.status.splitlines() if line.startswith("Pid:"))
        number = next(lines, "")[len("Pid:") :].strip()
        return int(number) if number.isdecimal() and len(number) < 20 else None


class MacCrashInfo(NamedTuple):
    """One record of Apple's ``__crash_info``."""

    module: str = ""
    message: str = ""
    signature: str = ""
    backtrace: str = ""
    message2: str = ""
    thread: int | None = None
    dialog_mode: int | None = None
    abort_cause: int | None = None


class Handle(NamedTuple):
    """An open handle (Windows) or file descriptor (rust's Linux writer)."""

    handle: int
    type_name: str | None = None
    object_name: str | None = None


class Stream(NamedTuple):
    """A directory entry: what the dump holds, whether Cairn reads it or not."""

    type: int
    name: str
    size: int
    rva: int


class Minidump(NamedTuple):
    """A whole dump. ``problems`` says, for a person, what could not be read and was left out."""

    timestamp: int
    flags: int
    big_endian: bool
    system: SystemInfo
    threads: tuple[Thread, ...] = ()
    modules: tuple[Module, ...] = ()
    unloaded_modules: tuple[UnloadedModule, ...] = ()
    memory: Memory = Memory()
    exception: ExceptionRecord | None = None
    misc: MiscInfo | None = None
    breakpad: BreakpadInfo | None = None
    assertion: Assertion | None = None
    crashpad: CrashpadInfo | None = None
    linux: LinuxInfo | None = None
    mappings: tuple[MappedRange, ...] = ()
    mac_crash_info: tuple[MacCrashInfo, ...] = ()
    mac_boot_args: str | None = None
    handles: tuple[Handle, ...] = ()
    soft_errors: str | None = None
    streams: tuple[Stream, ...] = ()
    problems: tuple[str, ...] = ()

    @property
    def requesting_thread_id(self) -> int | None:
        """The thread the dump is about: the exception's, else the one that asked for the dump."""
        if self.exception is not None:
            return self.exception.thread_id
        return self.breakpad.requesting_thread_id if self.breakpad else None

    @property
    def process_id(self) -> int | None:
        """From MiscInfo, or from the status file, as Breakpad's Linux writer has no MiscInfo."""
        if self.misc is not None and self.misc.process_id is not None:
            return self.misc.process_id
        return self.linux.process_id if self.linux else None

    @property
    def crashed(self) -> bool:
        """Whether this is a crash and not a dump that somebody asked for."""
        return self.exception is not None
