"""The one way in: bytes to a ``Minidump``."""

from __future__ import annotations

from mmap import mmap
from typing import Final

from cairn.minidump.breakpad import read_assertion, read_breakpad_info
from cairn.minidump.crashpad import read_crashpad_info
from cairn.minidump.directory import read_directory, read_header
from cairn.minidump.distant import DistantFile
from cairn.minidump.exception import read_exception
from cairn.minidump.linux import read_linux_info, read_maps
from cairn.minidump.macos import read_mac_boot_args, read_mac_crash_info
from cairn.minidump.memory import Memory
from cairn.minidump.memory_lists import read_memory
from cairn.minidump.modules import read_modules, read_unloaded_modules
from cairn.minidump.records import Minidump
from cairn.minidump.source import Source
from cairn.minidump.system import read_system_info
from cairn.minidump.threads import read_threads
from cairn.minidump.windows import read_handles, read_memory_info, read_misc_info

SOFT_ERRORS: Final = 0x4D7A0004
MAX_SOFT_ERRORS: Final = 1 << 20


def read(data: bytes | memoryview | mmap | DistantFile) -> Minidump:
    """Read a minidump.

    Memory regions are views into ``data``, which must stay open and unchanged as long as the result lives. Whatever
    ``data`` holds, this ends within seconds; parts that cannot be read are left out and said in ``Minidump.problems``.

    Raises:
        MinidumpError: the file as a whole is unreadable; see ``errors.py``. Nothing else is raised, but what fetching
            a distant file raises.
    """
    view = data.view() if isinstance(data, DistantFile) else memoryview(data).cast("B")
    header = read_header(view)
    source, streams = read_directory(view, header)
    system = read_system_info(source)

    attempt = source.attempt
    memory = attempt("memory", lambda: read_memory(source), Memory())
    exception = attempt("exception", lambda: read_exception(source, system.arch), None)
    return Minidump(
        timestamp=header.timestamp,
        flags=header.flags,
        big_endian=header.big_endian,
        system=system,
        threads=attempt("threads", lambda: read_threads(source, system, memory, exception), ()),
        modules=attempt("modules", lambda: read_modules(source, system.os), ()),
        unloaded_modules=attempt("unloaded modules", lambda: read_unloaded_modules(source), ()),
        memory=memory,
        exception=exception,
        misc=attempt("process information", lambda: read_misc_info(source), None),
        breakpad=attempt("Breakpad's information", lambda: read_breakpad_info(source), None),
        assertion=attempt("assertion", lambda: read_assertion(source), None),
        crashpad=attempt("Crashpad's information", lambda: read_crashpad_info(source), None),
        linux=attempt("Linux files", lambda: read_linux_info(source, system.arch), None),
        mappings=attempt("memory maps", lambda: read_maps(source) or read_memory_info(source), ()),
        mac_crash_info=attempt("macOS crash information", lambda: read_mac_crash_info(source), ()),
        mac_boot_args=attempt("macOS boot arguments", lambda: read_mac_boot_args(source), None),
        handles=attempt("handles", lambda: read_handles(source), ()),
        soft_errors=_soft_errors(source),
        streams=streams,
        problems=tuple(source.problems),
    )


def _soft_errors(source: Source) -> str | None:
    """What rust's writer could not write, as it says so in JSON."""
    stream = source.stream(SOFT_ERRORS)
    return None if stream is None else bytes(stream.data[:MAX_SOFT_ERRORS]).decode(errors="replace")
