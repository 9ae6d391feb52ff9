"""Registers of every architecture, against the builder's own tables of offsets."""

from __future__ import annotations

import struct

import pytest

from cairn.minidump.contexts import LAYOUTS, read_context
from cairn.minidump.errors import OutOfBoundsError
from cairn.minidump.reader import read
from cairn.minidump.records import Arch, Os
from cairn.minidump.window import Window
from tests.synth import contexts as synth
from tests.synth.minidump import MinidumpBuilder

POINTERS = {
    "x86": ("eip", "esp"), "amd64": ("rip", "rsp"), "ppc": ("pc", "r1"), "ppc64": ("pc", "r1"), "sparc": ("pc", "o6"),
}  # fmt: skip


def arch_of(layout: str) -> Arch:
    return Arch(layout.removesuffix("_old"))


def window(blob: bytes, big_endian: bool = False) -> Window:
    return Window(memoryview(blob), big_endian)


@pytest.mark.parametrize("big_endian", [False, True])
@pytest.mark.parametrize("layout", synth.LAYOUTS)
def test_every_register_is_read_from_its_place(layout: str, big_endian: bool) -> None:
    names = list(synth.LAYOUTS[layout][2])
    values = {name: 0x1000 + 4 * index for index, name in enumerate(names)}
    context = read_context(window(synth.context(layout, values, big_endian=big_endian), big_endian), arch_of(layout))
    pc, sp = POINTERS.get(layout, ("pc", "sp"))
    assert {name: context.registers[name] for name in names} == values
    assert (context.pc, context.sp) == (values[pc], values[sp])
    assert context.arch is arch_of(layout)


def test_every_known_architecture_has_a_layout() -> None:
    assert set(LAYOUTS) == set(Arch) - {Arch.UNKNOWN}


@pytest.mark.parametrize("arch_id", [12, 0x8003])
@pytest.mark.parametrize("layout", ["arm64", "arm64_old"])
def test_either_arm64_layout_comes_under_either_number(arch_id: int, layout: str) -> None:
    blob = synth.context(layout, {"pc": 0x4000, "cpsr": 0x60000000})
    builder = MinidumpBuilder(system_info=False).system_info(arch_id, 0x8203)
    (thread,) = read(builder.thread(1, raw_context=blob).build()).threads
    assert thread.context is not None
    assert (thread.context.pc, thread.context.registers["cpsr"]) == (0x4000, 0x60000000)


@pytest.mark.parametrize(("arch", "layout", "tail"), [(Arch.AMD64, "amd64", 431), (Arch.X86, "x86", 947)])
def test_a_context_with_an_xsave_tail_is_read_from_its_prefix(arch: Arch, layout: str, tail: int) -> None:
    name = "rip" if arch is Arch.AMD64 else "eip"
    blob = synth.context(layout, {name: 0x77}) + bytes(tail)
    dump = read(MinidumpBuilder(arch, Os.WINDOWS).thread(1, raw_context=blob).build())
    assert dump.threads[0].context is not None
    assert dump.threads[0].context.pc == 0x77


def test_bits_that_windows_adds_to_the_flags_do_not_matter() -> None:
    blob = bytearray(synth.context("amd64", {"rip": 0x99}))
    struct.pack_into("<I", blob, 0x30, 0xD810005F)
    assert read_context(window(bytes(blob)), Arch.AMD64).pc == 0x99


@pytest.mark.parametrize(
    "blob",
    [
        pytest.param(synth.context("amd64", {}), id="of another CPU"),
        pytest.param(bytes(716), id="without flags"),
        pytest.param(synth.context("x86", {})[:0xC8], id="cut off"),
        pytest.param(b"\0\0", id="two bytes"),
    ],
)
def test_what_is_not_a_context_of_the_cpu_is_refused(blob: bytes) -> None:
    with pytest.raises(OutOfBoundsError):
        read_context(window(blob), Arch.X86)


def test_a_thread_without_usable_registers_stays() -> None:
    dump = read(MinidumpBuilder(Arch.UNKNOWN).thread(5, raw_context=bytes(8)).build())
    assert dump.threads[0].context is None
    assert dump.problems == ("registers of thread 5: 8 bytes are not the registers of unknown",)
