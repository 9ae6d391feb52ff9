"""Threads and the memory to walk."""

from __future__ import annotations

import pytest

from cairn.minidump.reader import read
from cairn.minidump.records import Arch, Os, Thread
from tests.synth.minidump import MinidumpBuilder


def only_thread(builder: MinidumpBuilder) -> Thread:
    (thread,) = read(builder.build()).threads
    return thread


def test_a_thread_with_everything() -> None:
    builder = (
        MinidumpBuilder(Arch.AMD64, Os.WINDOWS)
        .thread(9, {"rip": 0x1234, "rsp": 0x7008}, (0x7000, bytes(32)), name="Räuber", teb=0x5000, priority=3)
        .thread_info(9, 0x401000)
        .memory(0x5000 + 0x68, b"\x05\0\0\0")
    )
    thread = only_thread(builder)
    assert thread.context is not None
    assert thread.stack is not None
    assert (thread.id, thread.name, thread.context.pc, thread.context.sp) == (9, "Räuber", 0x1234, 0x7008)
    assert (thread.stack.start, thread.stack.end) == (0x7000, 0x7020)
    assert (thread.priority_class, thread.priority, thread.teb) == (0x20, 3, 0x5000)
    assert (thread.last_error, thread.start_address) == (5, 0x401000)


def test_a_dump_without_a_thread_list_is_readable() -> None:
    dump = read(MinidumpBuilder().module(0, 1, "a").build())
    assert (dump.threads, len(dump.modules), dump.problems) == ((), 1, ())


def test_a_stack_at_rva_zero_is_found_in_the_memory_list() -> None:
    builder = MinidumpBuilder(os=Os.WINDOWS).memory(0x6F00, bytes(0x200))
    builder.thread(1, {"rsp": 0x7010}, (0x7000, b""), stack_in_memory_list=True)
    thread = only_thread(builder)
    assert thread.stack is not None
    assert (thread.stack.start, thread.stack.end) == (0x6F00, 0x7100)


def test_where_the_stack_does_not_hold_the_stack_pointer_the_region_that_does_is_taken() -> None:
    builder = MinidumpBuilder().memory(0x9000, bytes(64)).thread(1, {"rsp": 0x9010}, (0x7000, bytes(16)))
    thread = only_thread(builder)
    assert thread.stack is not None
    assert thread.stack.start == 0x9000


def test_the_exceptions_stack_pointer_decides_for_the_crashing_thread() -> None:
    builder = (
        MinidumpBuilder()
        .memory(0x9000, bytes(64))
        .thread(1, {"rsp": 0x7008}, (0x7000, bytes(16)))
        .thread(2, {"rsp": 0x5008}, (0x5000, bytes(16)))
        .exception(1, 11, registers={"rsp": 0x9010})
    )
    crashed, other = read(builder.build()).threads
    assert crashed.stack is not None
    assert other.stack is not None
    assert (crashed.stack.start, other.stack.start) == (0x9000, 0x5000)


def test_a_stack_pointer_in_no_region_keeps_the_threads_stack() -> None:
    thread = only_thread(MinidumpBuilder().thread(1, {"rsp": 0xDEAD}, (0x7000, bytes(16))))
    assert thread.stack is not None
    assert thread.stack.start == 0x7000


def test_a_thread_without_stack_and_registers() -> None:
    thread = only_thread(MinidumpBuilder().thread(1))
    assert (thread.stack, thread.context, thread.last_error) == (None, None, None)


@pytest.mark.parametrize(("arch", "offset"), [(Arch.X86, 0x34), (Arch.AMD64, 0x68), (Arch.ARM64, 0x68)])
def test_the_last_error_lies_thirteen_pointers_into_the_teb(arch: Arch, offset: int) -> None:
    builder = MinidumpBuilder(arch, Os.WINDOWS).thread(1, teb=0x5000).memory(0x5000 + offset, b"\xb7\0\0\0")
    assert only_thread(builder).last_error == 183


def test_only_windows_has_a_last_error() -> None:
    assert only_thread(MinidumpBuilder().thread(1, teb=0x5000).memory(0x5000, bytes(256))).last_error is None


def test_names_of_threads_that_are_not_there_do_no_harm() -> None:
    dump = read(MinidumpBuilder().thread(1).thread_name(99, "ghost").thread_name(1, "").build())
    assert [(thread.id, thread.name) for thread in dump.threads] == [(1, None)]


def test_broken_names_leave_the_threads() -> None:
    dump = read(MinidumpBuilder().thread(1).stream(24, b"\1").build())
    assert [thread.id for thread in dump.threads] == [1]
    assert dump.problems == ("thread names: 4 bytes at offset 0x0 needed, 1 bytes there",)
