"""Files of ``/proc``."""

from __future__ import annotations

import struct

import pytest

from cairn.minidump.linux import MAX_FILE
from cairn.minidump.reader import read
from cairn.minidump.records import Arch, MappedRange, Os
from tests.synth.minidump import MinidumpBuilder

MAPS = """\
00400000-00417000 r-xp 00000000 fc:02 23856536                           /usr/bin/a b (deleted)
7ffe0000-7ffe1000 rw-s 00000000 00:00 0
7fff0000-7fff1000 ---p 00000000 00:00 0                                  [stack]
not a line
zzz-100 r-xp 0 0 0
100 r-xp 0 0 0
"""


def test_all_files() -> None:
    dump = read(
        MinidumpBuilder(Arch.AMD64, Os.LINUX)
        .linux(
            cpuinfo="processor : 0\n",
            status="Name:\ta\nPid:\t123\nPPid:\t7\n",
            lsb_release='DISTRIB_ID=Ubuntu\nDISTRIB_DESCRIPTION="Ubuntu 18.04"\nnoise\n',
            command_line=b"./a\0--flag\0\0last\0",
            environment=b"HOME=/root\0EMPTY=\0X=a=b\0broken\0",
            auxv=struct.pack("<6Q", 3, 0x400040, 9, 0x401000, 0, 0) + struct.pack("<2Q", 4, 5),
            limits="Limit Soft Hard\n",
        )
        .build()
    )
    linux = dump.linux
    assert linux is not None
    assert (linux.cpuinfo, linux.limits) == ("processor : 0\n", "Limit Soft Hard\n")
    assert (linux.process_id, dump.process_id) == (123, 123)
    assert linux.lsb_release == {"DISTRIB_ID": "Ubuntu", "DISTRIB_DESCRIPTION": "Ubuntu 18.04"}
    assert linux.command_line == ("./a", "--flag", "", "last")
    assert linux.environment == {"HOME": "/root", "EMPTY": "", "X": "a=b"}
    assert linux.auxv == {3: 0x400040, 9: 0x401000}
    assert dump.problems == ()


def test_maps_become_mappings() -> None:
    assert read(MinidumpBuilder().linux(maps=MAPS).build()).mappings == (
        MappedRange(0x400000, 0x417000, "r-x", "/usr/bin/a b (deleted)"),
        MappedRange(0x7FFE0000, 0x7FFE1000, "rw-"),
        MappedRange(0x7FFF0000, 0x7FFF1000, "---", "[stack]"),
    )


def test_maps_have_paths_and_win_over_the_memory_info_list() -> None:
    dump = read(MinidumpBuilder().memory_info(0, 4096).linux(maps=MAPS).build())
    assert dump.mappings[0].path == "/usr/bin/a b (deleted)"


def test_a_32_bit_auxiliary_vector() -> None:
    dump = read(MinidumpBuilder(Arch.X86).linux(auxv=struct.pack("<4I", 6, 4096, 0, 0)).build())
    assert dump.linux is not None
    assert dump.linux.auxv == {6: 4096}


def test_a_dump_without_such_files_has_no_linux_part() -> None:
    dump = read(MinidumpBuilder().build())
    assert (dump.linux, dump.mappings, dump.process_id) == (None, (), None)


@pytest.mark.parametrize("status", ["", "Pid:\n", "Pid:\tabc\n", "Pid:\t" + "9" * 5000, "Pid:\t²\n"])
def test_a_status_without_a_sound_pid(status: str) -> None:
    assert read(MinidumpBuilder().linux(status=status).build()).process_id is None


def test_bytes_that_are_not_utf8() -> None:
    dump = read(MinidumpBuilder().linux(command_line=b"\xff\xfe\0").build())
    assert dump.linux is not None
    assert dump.linux.command_line == ("��",)


def test_a_file_larger_than_any_kernel_makes_is_cut() -> None:
    dump = read(MinidumpBuilder().linux(cpuinfo=bytes(MAX_FILE + 5)).build())
    assert dump.linux is not None
    assert len(dump.linux.cpuinfo) == MAX_FILE
    assert dump.problems == (f"LinuxCpuInfo: {MAX_FILE + 5} bytes, only {MAX_FILE} read",)
