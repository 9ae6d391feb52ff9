"""Minidumps made in code, for tests.

    dump = (
        MinidumpBuilder(Arch.AMD64, Os.LINUX)
        .thread(1, registers={"rip": 0x401000, "rsp": 0x7000}, stack=(0x7000, bytes(64)), name="main")
        .module(0x400000, 0x2000, "/usr/bin/app", BuildId("93ac61ec5a8eb139aabbccddeeff0011"))
        .memory(0x401000, code_bytes)
        .exception(1, code=11, flags=1, address=0x10, registers={"rip": 0x401000, "rsp": 0x7000})
        .build()
    )

Every method returns the builder. Bytes are appended as they come; ``build`` adds the lists and the directory. What has
no method of its own goes in with ``stream`` (raw bytes), where ``utf16`` and ``put`` give the RVAs to point to.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from uuid import UUID

from cairn.minidump.records import Arch, Os
from tests.synth.codeview import CodeView
from tests.synth.contexts import context

ARCH_IDS = {
    "x86": 0, "mips": 1, "ppc": 3, "arm": 5, "amd64": 9, "arm64": 12, "sparc": 0x8001, "ppc64": 0x8002,
    "arm64_old": 0x8003, "mips64": 0x8004, "riscv": 0x8005, "riscv64": 0x8006, "unknown": 0xFFFF,
}  # fmt: skip
OS_IDS = {
    Os.WINDOWS: 2, Os.MACOS: 0x8101, Os.IOS: 0x8102, Os.LINUX: 0x8201, Os.SOLARIS: 0x8202, Os.ANDROID: 0x8203,
    Os.PS3: 0x8204, Os.NACL: 0x8205, Os.FUCHSIA: 0x8206, Os.UNKNOWN: 0xFFFFFFFF,
}  # fmt: skip
LINUX_STREAMS = {
    "cpuinfo": 0x47670003, "status": 0x47670004, "lsb_release": 0x47670005, "command_line": 0x47670006,
    "environment": 0x47670007, "auxv": 0x47670008, "maps": 0x47670009, "limits": 0x4D7A0003,
}  # fmt: skip
Registers = Mapping[str, int]


class MinidumpBuilder:
    """Writes one minidump. ``layout`` chooses another context layout than the architecture's usual one (``arm64_old``).

    ``padded_lists`` puts four bytes behind the counts of threads, modules and memory, as Breakpad does on macOS.
    """

    def __init__(
        self,
        arch: Arch = Arch.AMD64,
        os: Os = Os.LINUX,
        *,
        layout: str | None = None,
        big_endian: bool = False,
        padded_lists: bool = False,
        timestamp: int = 1_700_000_000,
        flags: int = 0,
        system_info: bool = True,
        **system: object,
    ) -> None:
        self.order = ">" if big_endian else "<"
        self._layout = layout or str(arch)
        self._padded = padded_lists
        self._stamps = (timestamp, flags)
        self._data = bytearray(32)
        self._streams: list[tuple[int, int, int]] = []
        self._lists: dict[int, list[bytes]] = {}
        self._memory64: list[tuple[int, bytes]] = []
        self._sized: dict[int, list[bytes]] = {}
        if system_info:
            self.system_info(ARCH_IDS[self._layout], OS_IDS[os], **system)  # type: ignore[arg-type]

    def system_info(
        self,
        arch_id: int,
        os_id: int,
        *,
        version: tuple[int, int, int] = (0, 0, 0),
        csd: str = "",
        cpus: int = 4,
        level: int = 6,
        revision: int = 0,
        cpu: bytes = b"",
    ) -> MinidumpBuilder:
        """The SystemInfo stream; the keyword arguments may be given to the builder itself. ``cpu`` is the CPU union."""
        text = self.utf16(csd)
        fixed = self.pack("HHHBBIIIIIHH", arch_id, level, revision, cpus, 1, *version, os_id, text, 0, 0)
        return self.stream(7, fixed + cpu.ljust(24, b"\0"))

    # -- pieces ------------------------------------------------------------------------------------------------------

    def pack(self, layout: str, *values: object) -> bytes:
        """``struct.pack`` in the dump's byte order, without padding."""
        return struct.pack(self.order + layout, *values)

    def put(self, data: bytes) -> int:
        """Append ``data`` and give its RVA."""
        rva = len(self._data)
        self._data += data
        return rva

    def utf16(self, text: str) -> int:
        """Append a counted UTF-16 string and give its RVA."""
        raw = text.encode("utf-16-be" if self.order == ">" else "utf-16-le", "surrogatepass")
        return self.put(self.pack("I", len(raw)) + raw + b"\0\0")

    def utf8(self, text: str) -> int:
        """Append a counted UTF-8 string (Crashpad) and give its RVA."""
        raw = text.encode()
        return self.put(self.pack("I", len(raw)) + raw + b"\0")

    def location(self, data: bytes) -> bytes:
        """Append ``data`` and give the location descriptor that points to it."""
        return self.pack("II", len(data), self.put(data))

    def stream(self, kind: int, data: bytes) -> MinidumpBuilder:
        """Any stream, from its bytes."""
        return self.entry(kind, len(data), self.put(data))

    def entry(self, kind: int, size: int, rva: int) -> MinidumpBuilder:
        """A directory entry that may point anywhere."""
        self._streams.append((kind, size, rva))
        return self

    # -- threads, modules, memory ------------------------------------------------------------------------------------

    def thread(
        self,
        thread_id: int,
        registers: Registers | None = None,
        stack: tuple[int, bytes] | None = None,
        *,
        name: str | None = None,
        teb: int = 0,
        priority: int = 0,
        raw_context: bytes | None = None,
        stack_in_memory_list: bool = False,
    ) -> MinidumpBuilder:
        """A thread. Its ``stack`` is (start, bytes); it also enters the memory list, as all writers have it.

        With ``stack_in_memory_list`` the thread's own descriptor has RVA 0 and only the list holds the bytes.
        """
        start, data = stack or (0, b"")
        rva = self.put(data)
        if stack:
            self._lists.setdefault(5, []).append(self.pack("QII", start, len(data), rva))
        descriptor = self.pack("QII", start, len(data), 0 if stack_in_memory_list or not stack else rva)
        where = self._context(registers, raw_context)
        entry = self.pack("IIIIQ", thread_id, 0, 0x20, priority, teb) + descriptor + where
        self._lists.setdefault(3, []).append(entry)
        return self if name is None else self.thread_name(thread_id, name)

    def _context(self, registers: Registers | None, raw: bytes | None = None) -> bytes:
        if raw is None and registers is None:
            return bytes(8)
        if raw is None:
            raw = context(self._layout, registers or {}, big_endian=self.order == ">")
        return self.location(raw)

    def thread_name(self, thread_id: int, name: str) -> MinidumpBuilder:
        """An entry of the ThreadNames stream."""
        self._lists.setdefault(24, []).append(self.pack("IQ", thread_id, self.utf16(name)))
        return self

    def module(
        self,
        base: int,
        size: int,
        name: str,
        cv: CodeView | bytes | None = None,
        *,
        timestamp: int = 0,
        checksum: int = 0,
        version: Sequence[int] | None = None,
    ) -> MinidumpBuilder:
        """A module. ``version`` is the file version MS and LS (and, on ELF, the product version's two numbers)."""
        numbers = [0xFEEF04BD, 0x10000, *version] if version is not None else []
        fixed = self.pack(f"{len(numbers)}I", *numbers).ljust(52, b"\0")
        raw = cv if isinstance(cv, bytes) else cv.encode(self.order) if cv else None
        where = bytes(8) if raw is None else self.location(raw)
        head = self.pack("QIIII", base, size, checksum, timestamp, self.utf16(name))
        self._lists.setdefault(4, []).append(head + fixed + where + bytes(24))
        return self

    def memory(self, start: int, data: bytes) -> MinidumpBuilder:
        """A region of the memory list."""
        self._lists.setdefault(5, []).append(self.pack("Q", start) + self.location(data))
        return self

    def memory64(self, start: int, data: bytes) -> MinidumpBuilder:
        """A region of the 64-bit memory list (full-memory dumps)."""
        self._memory64.append((start, data))
        return self

    def unloaded_module(self, base: int, size: int, name: str, *, timestamp: int = 0) -> MinidumpBuilder:
        """A module that was there once (Windows)."""
        entry = self.pack("QIIII", base, size, 0, timestamp, self.utf16(name))
        self._sized.setdefault(14, []).append(entry)
        return self

    # -- the crash ---------------------------------------------------------------------------------------------------

    def exception(
        self,
        thread_id: int,
        code: int,
        flags: int = 0,
        address: int = 0,
        parameters: Sequence[int] = (),
        registers: Registers | None = None,
        *,
        nested: int = 0,
    ) -> MinidumpBuilder:
        """The Exception stream."""
        head = self.pack("IIIIQQII", thread_id, 0, code, flags, nested, address, len(parameters), 0)
        values = self.pack("15Q", *[*parameters, *[0] * 15][:15])
        return self.stream(6, head + values + self._context(registers))

    def breakpad_info(self, dump_thread: int, requesting_thread: int, *, validity: int = 3) -> MinidumpBuilder:
        """Which thread wrote the dump, and which asked for it."""
        return self.stream(0x47670001, self.pack("III", validity, dump_thread, requesting_thread))

    def assertion(self, kind: int, expression: str, function: str, file: str, line: int) -> MinidumpBuilder:
        """Breakpad's AssertionInfo."""
        encoding = "utf-16-be" if self.order == ">" else "utf-16-le"
        texts = [text.encode(encoding).ljust(256, b"\0")[:256] for text in (expression, function, file)]
        return self.stream(0x47670002, b"".join(texts) + self.pack("II", line, kind))

    # -- the process and its machine ---------------------------------------------------------------------------------

    def misc_info(
        self, process_id: int | None = None, times: tuple[int, int, int] | None = None, build: str | None = None
    ) -> MinidumpBuilder:
        """MiscInfo: version 1, or 4 when there is a ``build``. ``times`` is created, user and kernel time."""
        flags = (process_id is not None) | (times is not None) << 1 | (build is not None) << 8
        size = 24 if build is None else 832
        head = self.pack("IIIIII", size, flags, process_id or 0, *(times or (0, 0, 0)))
        if build is not None:
            head = head.ljust(232, b"\0") + build.encode("utf-16-be" if self.order == ">" else "utf-16-le")
        return self.stream(15, head.ljust(size, b"\0"))

    def memory_info(self, base: int, size: int, state: int = 0x1000, protect: int = 0x04) -> MinidumpBuilder:
        """An entry of the MemoryInfoList."""
        entry = self.pack("QQIIQIIII", base, base, protect, 0, size, state, protect, 0x20000, 0)
        self._sized.setdefault(16, []).append(entry)
        return self

    def thread_info(self, thread_id: int, start_address: int) -> MinidumpBuilder:
        """An entry of the ThreadInfoList."""
        entry = self.pack("IIIIQQQQQQ", thread_id, 0, 0, 0, 0, 0, 0, 0, start_address, 0)
        self._sized.setdefault(17, []).append(entry)
        return self

    def handle(self, handle: int, type_name: str | None = None, object_name: str | None = None) -> MinidumpBuilder:
        """An entry of HandleData."""
        names = [0 if text is None else self.utf16(text) for text in (type_name, object_name)]
        self._sized.setdefault(12, []).append(self.pack("QIIIIIIII", handle, *names, 0, 0, 1, 1, 0, 0))
        return self

    def linux(self, **files: bytes | str) -> MinidumpBuilder:
        """Files of ``/proc``, by the names of ``LINUX_STREAMS``: ``maps="…"``, ``status="…"`` …"""
        for name, content in files.items():
            self.stream(LINUX_STREAMS[name], content.encode() if isinstance(content, str) else content)
        return self

    def soft_errors(self, text: str) -> MinidumpBuilder:
        """What rust's writer could not write, as JSON."""
        return self.stream(0x4D7A0004, text.encode())

    # -- Crashpad, macOS ---------------------------------------------------------------------------------------------

    def crashpad_info(
        self,
        report_id: str = str(UUID(int=0)),
        client_id: str = str(UUID(int=0)),
        simple: Mapping[str, str] | None = None,
        modules: Mapping[int, bytes] | None = None,
    ) -> MinidumpBuilder:
        """CrashpadInfo. ``modules``: index to what ``crashpad_module`` made."""
        links = [self.pack("I", index) + self.location(module) for index, module in (modules or {}).items()]
        listed = self.location(self.pack("I", len(links)) + b"".join(links)) if modules is not None else bytes(8)
        ids = b"".join(self.guid(text) for text in (report_id, client_id))
        return self.stream(0x43500001, self.pack("I", 1) + ids + self.dictionary(simple) + listed)

    def crashpad_module(
        self,
        simple: Mapping[str, str] | None = None,
        listed: Sequence[str] | None = None,
        objects: Sequence[tuple[str, int, bytes]] | None = None,
    ) -> bytes:
        """A module's annotations. An object is (name, type, value); type 1 is a string."""
        texts, annotations = bytes(8), bytes(8)
        if listed is not None:
            texts = self.location(self.pack(f"I{len(listed)}I", len(listed), *[self.utf8(text) for text in listed]))
        if objects is not None:
            entries = [
                self.pack("IHHI", self.utf8(name), kind, 0, self.put(self.pack("I", len(value)) + value))
                for name, kind, value in objects
            ]
            annotations = self.location(self.pack("I", len(entries)) + b"".join(entries))
        return self.pack("I", 1) + texts + self.dictionary(simple) + annotations

    def dictionary(self, items: Mapping[str, str] | None) -> bytes:
        """A location of Crashpad's simple string dictionary, or zeros."""
        if items is None:
            return bytes(8)
        rvas = [rva for pair in items.items() for rva in map(self.utf8, pair)]
        return self.location(self.pack(f"I{len(rvas)}I", len(items), *rvas))

    def guid(self, text: str) -> bytes:
        """A GUID as Windows lays it out."""
        guid = UUID(text)
        return self.pack("IHH", guid.time_low, guid.time_mid, guid.time_hi_version) + guid.bytes[8:]

    def mac_crash_info(self, *records: tuple[Sequence[int], Sequence[str]]) -> MinidumpBuilder:
        """Records of (thread, dialog mode and, from version 5 on, abort cause), (module, message, signature,
        backtrace, message2). All records have as many numbers as the first."""
        start = 16 + 8 * len(records[0][0]) if records else 16
        places = []
        for numbers, texts in records:
            head = self.pack(f"QQ{len(numbers)}Q", 0x4D7A0001, 3 + len(numbers) - 1, *numbers)
            places.append(self.location(head + b"".join(text.encode() + b"\0" for text in texts)))
        return self.stream(
            0x4D7A0001, self.pack("III", 0x4D7A0001, len(records), start) + b"".join(places).ljust(160, b"\0")
        )

    def mac_boot_args(self, text: str) -> MinidumpBuilder:
        """The kernel's boot arguments."""
        return self.stream(0x4D7A0002, self.pack("IQ", 0x4D7A0002, self.utf16(text)))

    # -- the end -----------------------------------------------------------------------------------------------------

    def build(self) -> bytes:
        """The dump. The builder may not be used after this."""
        for kind, entries in self._lists.items():
            padding = bytes(4 if self._padded and kind in (3, 4, 5) else 0)
            self.stream(kind, self.pack("I", len(entries)) + padding + b"".join(entries))
        for kind, entries in self._sized.items():
            self.stream(kind, self._sized_header(kind, entries) + b"".join(entries))
        if self._memory64:
            self._put_memory64()
        directory = self.put(b"".join(self.pack("III", *entry) for entry in self._streams))
        timestamp, flags = self._stamps
        header = self.pack("IIIIIIQ", 0x504D444D, 0xA793, len(self._streams), directory, 0, timestamp, flags)
        self._data[:32] = header
        return bytes(self._data)

    def _sized_header(self, kind: int, entries: list[bytes]) -> bytes:
        width = len(entries[0])
        if kind == 16:
            return self.pack("IIQ", 16, width, len(entries))
        return self.pack("III", 16 if kind == 12 else 12, width, len(entries)) + bytes(4 if kind == 12 else 0)

    def _put_memory64(self) -> None:
        base = self.put(b"".join(data for _, data in self._memory64))
        entries = b"".join(self.pack("QQ", start, len(data)) for start, data in self._memory64)
        self.stream(9, self.pack("QQ", len(self._memory64), base) + entries)
