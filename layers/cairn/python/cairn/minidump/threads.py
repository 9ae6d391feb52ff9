"""Threads, each with its registers, its stack and its name."""

from __future__ import annotations

from typing import Any, Final

from cairn.minidump.exception import context_at
from cairn.minidump.lists import counted_rows
from cairn.minidump.memory import Memory, MemoryRegion
from cairn.minidump.memory_lists import region
from cairn.minidump.records import Context, ExceptionRecord, Os, SystemInfo, Thread
from cairn.minidump.source import Source
from cairn.minidump.windows import last_error, read_start_addresses

THREAD_LIST: Final = 3
THREAD_NAMES: Final = 24
MAX_THREADS: Final = 16_384
"""Breakpad stops at 4,096."""
ENTRY: Final = "IIIIQQIIII"
ENTRY_SIZE: Final = 48


def read_threads(
    source: Source, system: SystemInfo, memory: Memory, exception: ExceptionRecord | None
) -> tuple[Thread, ...]:
    """The thread list, with the names and start addresses that other streams have."""
    names = source.attempt("thread names", lambda: read_thread_names(source), dict[int, str]())
    starts = source.attempt("thread information", lambda: read_start_addresses(source), dict[int, int]())
    rows = counted_rows(source, THREAD_LIST, ENTRY, ENTRY_SIZE, MAX_THREADS)
    reader = _ThreadReader(source, system, memory, exception)
    return tuple(reader.thread(row, names.get(row[0]), starts.get(row[0])) for row in rows)


class _ThreadReader:
    """What all threads of one dump need."""

    def __init__(self, source: Source, system: SystemInfo, memory: Memory, exception: ExceptionRecord | None) -> None:
        self._source = source
        self._system = system
        self._memory = memory
        self._crash = exception

    def thread(self, row: tuple[Any, ...], name: str | None, start_address: int | None) -> Thread:
        """One entry of the list as a record."""
        thread_id, suspended, priority_class, priority, teb, start, size, rva, context_size, context_rva = row
        context = context_at(self._source, self._system.arch, context_size, context_rva, f"thread {thread_id}")
        stack = self._stack(start, size, rva, self._stack_pointer(thread_id, context))
        windows = self._system.os is Os.WINDOWS
        error = last_error(self._memory, teb, self._system.arch) if windows else None
        return Thread(thread_id, name, context, stack, suspended, priority_class, priority, teb, error, start_address)

    def _stack_pointer(self, thread_id: int, context: Context | None) -> int | None:
        """Where a walk of the thread starts: the exception's context beats the thread's own."""
        if self._crash is not None and self._crash.thread_id == thread_id and self._crash.context is not None:
            return self._crash.context.sp
        return None if context is None else context.sp

    def _stack(self, start: int, size: int, rva: int, sp: int | None) -> MemoryRegion | None:
        """The memory to walk.

        Firefox on Windows writes RVA 0 for almost all threads: the bytes are in the memory list only, in a region that
        begins below the stack's start (``test_threads.py::test_a_stack_at_rva_zero_is_found_in_the_memory_list``).
        """
        found = region(self._source, start, size, rva) if size and rva else self._memory.region_at(start)
        if sp is None or (found is not None and found.start <= sp < found.end):
            return found
        return self._memory.region_at(sp) or found


def read_thread_names(source: Source) -> dict[int, str]:
    """Names by thread id. The RVA has 64 bits and is not aligned."""
    rows = counted_rows(source, THREAD_NAMES, "IQ", 12, MAX_THREADS)
    names = ((thread_id, source.utf16(rva)) for thread_id, rva in rows)
    return {thread_id: name for thread_id, name in names if name}
