"""Rules of Apple's programs, by hand; ``tests/targets`` has compiled ones at every instruction."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cairn.symbols.unwind_data import macho_amd64, macho_arm64
from cairn.symbols.unwind_data.cfi_text import Row
from cairn.symbols.unwind_data.macho_unwind import macho_unwind_rows
from tests.symbols.unwind_data.macho_programs import AMD64, ARM64, TEXT, UUID, program, table
from tests.symbols.unwind_data.test_pe_amd64 import parts

PUSH_RBP, SET_RBP, POP_RBP, RET, NOP = b"\x55", b"\x48\x89\xe5", b"\x5d", b"\xc3", b"\x90"
WITH_RBP, WITH_RBX, LEAF, LARGE, IN_DWARF = 0x0100_0000, 0x0202_0400, 0x0201_0000, 0x0306_2400, 0x0400_0000
AT_ENTRY = {".cfa": "rsp 8 +", ".ra": ".cfa -8 + ^"}
FRAMED = {".cfa": "rbp 16 +", ".ra": ".cfa -8 + ^", "rbp": ".cfa -16 + ^"}
PUSHED = FRAMED | {".cfa": "rsp 16 +"}
FUNCTION = PUSH_RBP + SET_RBP + NOP + POP_RBP + RET


def rules(path: Path, text: bytes, *entries: tuple[int, int], processor: int = AMD64, dwarf: list[Row] | None = None,
          starts: tuple[int, ...] = (), symbols: tuple[int, ...] = ()) -> dict[int, dict[str, str]]:  # fmt: skip
    """The rules by their place in ``text``."""
    unwind = table([(TEXT + start, encoding) for start, encoding in entries], TEXT + len(text))
    made = program(text, unwind, processor, [TEXT + one for one in starts], [TEXT + one for one in symbols])
    path.write_bytes(made)
    return {row.start - TEXT: parts(row.rule) for row in macho_unwind_rows(path, UUID, dwarf or [])}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "program"


def test_a_frame_pointer_is_set_up_and_taken_down(path: Path) -> None:
    found = rules(path, FUNCTION, (0, WITH_RBP))
    assert found == {0: AT_ENTRY, 1: PUSHED, 4: FRAMED, 6: AT_ENTRY, 7: {}}


@pytest.mark.parametrize("where", ("starts", "symbols"))
def test_functions_that_share_an_entry(where: str, path: Path) -> None:
    places = (0, len(FUNCTION))
    found = rules(path, 2 * FUNCTION, (0, WITH_RBP), **{where: places})  # type: ignore[arg-type]
    once = {0: AT_ENTRY, 1: PUSHED, 4: FRAMED, 6: AT_ENTRY}
    assert found == once | {7 + place: rule for place, rule in once.items()} | {14: {}}


def test_a_large_frame_after_an_early_return(path: Path) -> None:
    """LLVM says where its size stands as if the function began with its prologue."""
    text = b"\x85\xff\x78\x13" + b"\x53\x48\x81\xec\x80\x11\0\0" + NOP + b"\x48\x81\xc4\x80\x11\0\0\x5b" + RET
    text += NOP + b"\x89\xf8" + RET
    found = rules(path, text, (0, 0x0304_4400))
    saved = {"rbx": ".cfa -16 + ^"}
    body = AT_ENTRY | saved | {".cfa": "rsp 4496 +"}
    assert found[0] == AT_ENTRY
    assert found[5] == AT_ENTRY | saved | {".cfa": "rsp 16 +"}
    assert (found[12], found[20], found[21]) == (body, found[5], AT_ENTRY)
    assert (found[22], found[23]) == (body, AT_ENTRY)


def test_an_address_that_is_called_is_no_epilogue(path: Path) -> None:
    """``call`` with the bytes of ``pop rbp; ret`` in it: at its last byte the caller is looked up."""
    text = PUSH_RBP + SET_RBP + b"\xe8\x00\x5d\xc3\xff" + POP_RBP + RET
    assert rules(path, text, (0, WITH_RBP)) == {0: AT_ENTRY, 1: PUSHED, 4: FRAMED, 10: AT_ENTRY, 11: {}}


def test_assembler_text_without_unwind_data(path: Path) -> None:
    """With a frame pointer it has rules; without, nobody knows. ``symbolic`` calls all of it a leaf."""
    leaf = [Row(TEXT, ".cfa: rsp 8 + .ra: .cfa -8 + ^", True), Row(TEXT + 9, None)]
    found = rules(path, NOP + RET + FUNCTION, (0, 0), starts=(0, 2), dwarf=leaf)
    assert found == {2: AT_ENTRY, 3: PUSHED, 6: FRAMED, 8: AT_ENTRY, 9: {}}


def test_dwarf_counts_where_the_program_says_so(path: Path) -> None:
    dwarf = [Row(TEXT - 4, "one", True), Row(TEXT + 2, "two"), Row(TEXT + 9, "three", True)]
    unwind = table([(TEXT, IN_DWARF), (TEXT + 6, LEAF)], TEXT + 12)
    path.write_bytes(program(NOP * 12, unwind))
    leaf = ".cfa: rsp 8 + .ra: .cfa -8 + ^"
    assert macho_unwind_rows(path, UUID, dwarf) == [
        Row(TEXT, "one"), Row(TEXT + 2, "two"), Row(TEXT + 6, leaf, True), Row(TEXT + 12, None),
    ]  # fmt: skip


def test_what_has_no_compact_data_keeps_its_rows(path: Path) -> None:
    dwarf = [Row(TEXT, "one", True)]
    path.write_bytes(program(NOP, table([(TEXT, LEAF)], TEXT + 1), processor=7))
    assert macho_unwind_rows(path, UUID, dwarf) == dwarf
    path.write_bytes(program(NOP, table([(TEXT, LEAF)], TEXT + 1)))
    assert macho_unwind_rows(path, "ab" * 16, dwarf) == dwarf


STORE, SET_FP, LOAD, RETURN = 0xA9BF7BFD, 0x910003FD, 0xA8C17BFD, 0xD65F03C0
AT_ARM_ENTRY = {".cfa": "sp 0 +", ".ra": "lr"}
ARM_FRAME = {".cfa": "fp 16 +", ".ra": ".cfa -8 + ^", "fp": ".cfa -16 + ^"}


def arm(*words: int) -> bytes:
    return struct.pack(f"<{len(words)}I", *words)


def test_a_frame_record_is_set_up_and_taken_down(path: Path) -> None:
    text = arm(STORE, SET_FP, 0xD503201F, LOAD, RETURN)
    assert rules(path, text, (0, 0x0400_0000), processor=ARM64) == {
        0: AT_ARM_ENTRY, 4: ARM_FRAME | {".cfa": "sp 16 +"}, 8: ARM_FRAME, 16: AT_ARM_ENTRY, 20: {},
    }  # fmt: skip


def test_room_without_a_record(path: Path) -> None:
    """``sub sp, sp, 48``, and back."""
    text = arm(0xD100C3FF, 0xD503201F, 0x9100C3FF, RETURN)
    assert rules(path, text, (0, 0x0200_3000), processor=ARM64) == {
        0: AT_ARM_ENTRY, 4: {".cfa": "sp 48 +", ".ra": "lr"}, 12: AT_ARM_ENTRY, 16: {},
    }  # fmt: skip


def test_a_return_before_the_record(path: Path) -> None:
    """``cbz w0``, the function, ``b`` to nowhere; then ``mov w0, 1; ret`` without a frame."""
    text = arm(0x340000C0, STORE, SET_FP, 0xD503201F, LOAD, RETURN, 0x52800020, RETURN)
    found = rules(path, text, (0, 0x0400_0000), processor=ARM64)
    framed = {8: ARM_FRAME | {".cfa": "sp 16 +"}, 12: ARM_FRAME}
    assert found == {0: AT_ARM_ENTRY, **framed, 20: AT_ARM_ENTRY, 32: {}}


@given(st.integers(0, 0xFFFF_FFFF), st.binary(max_size=80), st.booleans())
def test_any_encoding_of_any_code_is_answered(encoding: int, code: bytes, is_whole: bool) -> None:
    for reader in (macho_amd64, macho_arm64):
        places = [place for place, _ in reader.function_rules(encoding, code, 0, len(code), is_whole)]
        assert places == sorted(set(places))
        assert all(0 <= place <= len(code) for place in places)
