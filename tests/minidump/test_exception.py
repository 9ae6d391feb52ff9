"""The Exception stream."""

from __future__ import annotations

from cairn.minidump.reader import read
from cairn.minidump.records import Arch, Os
from tests.synth.minidump import MinidumpBuilder


def test_the_exception_with_its_own_registers() -> None:
    builder = MinidumpBuilder(Arch.AMD64, Os.WINDOWS).thread(4, {"rip": 1, "rsp": 2})
    dump = read(builder.exception(4, 0xC0000005, 1, 0x7FF6, (1, 0x10), {"rip": 0x55, "rsp": 0x66}, nested=9).build())
    exception = dump.exception
    assert exception is not None
    assert exception.context is not None
    assert (exception.thread_id, exception.code, exception.flags) == (4, 0xC0000005, 1)
    assert (exception.address, exception.parameters, exception.nested_record) == (0x7FF6, (1, 0x10), 9)
    assert (exception.context.pc, exception.context.sp) == (0x55, 0x66)
    assert dump.crashed
    assert dump.requesting_thread_id == 4


def test_more_parameters_than_there_is_room_for() -> None:
    dump = read(MinidumpBuilder().exception(1, 11, parameters=range(40)).build())
    assert dump.exception is not None
    assert dump.exception.parameters == tuple(range(15))
    assert dump.problems == ("Exception: 40 parameters announced, 15 is the most",)


def test_a_cut_off_exception_is_left_out() -> None:
    dump = read(MinidumpBuilder().stream(6, bytes(100)).build())
    assert dump.exception is None
    assert dump.problems == ("exception: 120 bytes at offset 0x28 needed, 100 bytes there",)


def test_an_exception_with_a_broken_context_stays() -> None:
    builder = MinidumpBuilder()
    data = builder.pack("IIIIQQII", 3, 0, 11, 0, 0, 0x10, 0, 0) + bytes(120) + builder.pack("II", 1232, 0xFFFFFF00)
    dump = read(builder.stream(6, data).build())
    assert dump.exception is not None
    assert (dump.exception.address, dump.exception.context) == (0x10, None)
    assert dump.problems[0].startswith("registers of the exception: ")


def test_without_an_exception_the_one_who_asked_is_meant() -> None:
    dump = read(MinidumpBuilder().breakpad_info(7, 8).build())
    assert not dump.crashed
    assert dump.requesting_thread_id == 8
