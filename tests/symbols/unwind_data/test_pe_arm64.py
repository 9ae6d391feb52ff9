from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cairn.symbols.errors import MalformedDebugFileError
from cairn.symbols.formats.pe import Pe
from cairn.symbols.unwind_data.frame_rules import rows_of
from cairn.symbols.unwind_data.pe_arm64 import functions
from cairn.symbols.unwind_data.pe_arm64_codes import MAX_CODES, read_sequence
from tests.symbols.unwind_data.test_pe_amd64 import parts
from tests.synth.pe import ARM64, TEXT, XDATA, arm64_program, image

ENTRY = {".cfa": "sp 0 +", ".ra": "lr"}
PACKED_EPILOGUE, HAS_HANDLER = 1 << 21, 1 << 20


def rules(program: bytes) -> dict[int, dict[str, str]]:
    """By offset in the code: the registers of the rule that begins there."""
    found, broken = rows_of(functions(Pe(program)))
    assert broken == 0
    return {row.start - TEXT: parts(row.rule) if row.rule else {} for row in found}


def at(depth: int, **saved: int) -> dict[str, str]:
    found = {".cfa": f"sp {depth} +", ".ra": "lr"}
    return found | {".ra" if name == "lr" else name: f".cfa {slot} + ^" for name, slot in saved.items()}


@pytest.mark.parametrize(
    ("codes", "expected"),
    (
        ("1f", at(0x1F0)),  # alloc_s
        ("c123", at(0x1230)),  # alloc_m
        ("e0012345", at(0x123450)),  # alloc_l
        ("26", at(48, x19=-48, x20=-40)),  # save_r19r20_x
        ("42 04", at(64, fp=-48, lr=-40)),  # save_fplr
        ("85", at(48, fp=-48, lr=-40)),  # save_fplr_x
        ("c883 04", at(64, x21=-40, x22=-32)),  # save_regp
        ("cc83", at(32, x21=-32, x22=-24)),  # save_regp_x
        ("ca43 04", at(64, x28=-40, fp=-32)),  # save_regp that ends with fp
        ("d103 04", at(64, x23=-40)),  # save_reg
        ("d483", at(32, x23=-32)),  # save_reg_x
        ("d2c3 04", at(64, lr=-40)),  # save_reg of lr
        ("d643 04", at(64, x21=-40, lr=-32)),  # save_lrpair
        ("d843 04", at(64)),  # save_fregp
        ("da43", at(32)),  # save_fregp_x
        ("dc43 04", at(64)),  # save_freg
        ("de43", at(32)),  # save_freg_x
        ("e3", at(0)),  # nop
        ("ec", at(0)),  # clear_unwound_to_call
        ("fc", at(0)),  # pac_sign_lr
        ("e1 85", {".cfa": "fp 48 +", ".ra": ".cfa -40 + ^", "fp": ".cfa -48 + ^"}),  # set_fp
        ("e202 85", {".cfa": "fp 32 +", ".ra": ".cfa -40 + ^", "fp": ".cfa -48 + ^"}),  # add_fp
        ("e6 e6 24", at(32, x19=-32, x20=-24, x21=-16, x22=-8, x23=0, x24=8)),  # save_next
        ("e6 ca03 04", at(64, x27=-40, x28=-32)),  # save_next: the pair after x28 is of floating point
        ("e6 d842 04", at(64)),  # save_next of floating point
        ("e71402 04", at(64, x20=-48)),  # save_any_reg
        ("e75402 04", at(64, x20=-32, x21=-24)),  # … a pair
        ("e73402", at(48, x20=-48)),  # … with a change of sp
        ("e75d01 04", at(64, fp=-48, lr=-40)),
        ("e74542 04", at(64)),  # … of floating point
        ("e70581 04", at(64)),
        ("e9", {".cfa": "sp 0 + ^", ".ra": "sp 8 + ^"}),  # machine frame
        ("02 e9", {".cfa": "sp 32 + ^", ".ra": "sp 40 + ^"}),
    ),
)
def test_each_code(codes: str, expected: dict[str, str]) -> None:
    assert parts(read_sequence(bytes.fromhex(codes) + b"\xe4", 0).rules()[-1]) == expected


def test_a_context_has_all_registers() -> None:
    rule = parts(read_sequence(bytes.fromhex("01 ea e4"), 0).rules()[-1])
    assert (rule[".cfa"], rule[".ra"]) == ("sp 272 + ^", "sp 280 + ^")
    assert (rule["x19"], rule["x28"], rule["fp"], rule["lr"]) == (
        "sp 176 + ^", "sp 248 + ^", "sp 256 + ^", "sp 264 + ^",
    )  # fmt: skip


@pytest.mark.parametrize(
    "codes", ("", "01", "df01e4", "e8e4", "ebe4", "ede4", "fde4", "e7", "e78000e4", "e700c0e4", "e3" * (MAX_CODES + 1))
)
def test_codes_that_make_no_sense(codes: str) -> None:
    with pytest.raises(MalformedDebugFileError):
        read_sequence(bytes.fromhex(codes), 0)


def test_prologue_body_and_epilogues() -> None:
    codes = bytes.fromhex("e1 c802 85 e4 c802 85 e4")
    program = arm64_program(0x20 // 4, 0x34 // 4 | 5 << 22, codes=codes, head=2 << 22 | 3 << 27)
    link, saved = {"fp": -48, "lr": -40}, {"fp": -48, "lr": -40, "x19": -32, "x20": -24}
    body = at(48, **saved) | {".cfa": "fp 48 +"}
    assert rules(program) == {
        0: ENTRY, 4: at(48, **link), 8: at(48, **saved), 12: body,
        0x24: at(48, **saved), 0x28: at(48, **link), 0x2C: ENTRY, 0x30: body,
        0x34: at(48, **saved), 0x38: at(48, **link), 0x3C: ENTRY, 0x40: {},
    }  # fmt: skip


def test_the_only_epilogue_is_at_the_end() -> None:
    program = arm64_program(codes=bytes.fromhex("e3 01 e4 02 e4"), head=PACKED_EPILOGUE | 3 << 22 | 2 << 27)
    assert rules(program) == {0: ENTRY, 4: at(16), 0x38: at(32), 0x3C: ENTRY, 0x40: {}}


def test_an_extended_header() -> None:
    codes = bytes.fromhex("01 e4").ljust(4 * 33, b"\xe4")
    program = arm64_program(1 | 33 << 16, 0x20 // 4, codes=codes, head=HAS_HANDLER)
    assert rules(program) == {0: ENTRY, 4: at(16), 0x24: ENTRY, 0x28: at(16), 0x40: {}}


def test_a_part_begins_where_the_prologue_of_its_function_is_done() -> None:
    program = arm64_program(codes=bytes.fromhex("02 e5 c802 85 e4"), head=PACKED_EPILOGUE | 2 << 27)
    saved = {"fp": -48, "lr": -40, "x19": -32, "x20": -24}
    assert rules(program) == {0: at(48, **saved), 4: at(80, **saved), 0x3C: at(48, **saved), 0x40: {}}
    (function,) = functions(Pe(program))
    assert function.is_part


def test_an_epilogue_outside_or_inside_another_is_left_out() -> None:
    scopes = (0x20 // 4, 0x24 // 4, 0x7FFF)
    program = arm64_program(*scopes, codes=bytes.fromhex("01 e3 e4"), head=3 << 22 | 1 << 27)
    assert rules(program) == {0: ENTRY, 8: at(16), 0x24: ENTRY, 0x2C: at(16), 0x40: {}}


def packed(flag: int = 1, *, size: int = 0x40, link: int = 0, integers: int = 0, floats: int = 0, **more: int) -> int:
    frame, homes = more.get("frame", 0), more.get("homes", 0)
    return flag | size // 4 << 2 | floats << 13 | integers << 16 | homes << 20 | link << 21 | frame // 16 << 23


def packed_program(*data: int, size: int = 0x40) -> bytes:
    pdata = b"".join(struct.pack("<II", TEXT + index * size, word) for index, word in enumerate(data))
    return image(ARM64, text=bytes(size * len(data)), pdata=pdata)


def test_packed_data_of_a_linked_frame() -> None:
    link = {"fp": -48, "lr": -40}
    program = packed_program(packed(link=3, integers=2, frame=48))
    saved = at(16, x19=-16, x20=-8)
    body = {name: text for name, text in at(48, x19=-16, x20=-8, **link).items()} | {".cfa": "fp 48 +"}
    assert rules(program) == {
        0: ENTRY, 4: saved, 8: at(48, x19=-16, x20=-8, **link), 12: body,
        0x34: at(48, x19=-16, x20=-8, **link), 0x38: saved, 0x3C: ENTRY, 0x40: {},
    }  # fmt: skip


def test_packed_data_of_a_signed_and_of_an_unlinked_frame() -> None:
    program = packed_program(packed(link=2, frame=32), packed(link=1, integers=1, homes=1, frame=96))
    link = at(32, fp=-32, lr=-24)
    lr = at(80, x19=-80, lr=-72)
    assert rules(program) == {
        0: ENTRY, 8: link, 12: link | {".cfa": "fp 32 +"},
        0x34: link, 0x38: ENTRY,
        0x40: ENTRY, 0x44: at(80), 0x48: lr, 0x5C: lr | {".cfa": "sp 96 +"},
        0x74: lr, 0x78: at(80), 0x7C: ENTRY, 0x80: {},
    }  # fmt: skip


def test_packed_data_of_a_part() -> None:
    program = packed_program(packed(2, link=3, frame=32))
    assert rules(program) == {0: at(32, fp=-32, lr=-24) | {".cfa": "fp 32 +"}, 0x40: {}}


@pytest.mark.parametrize("data", (packed(3), packed(integers=11, frame=512), packed(integers=4, frame=16)))
def test_packed_data_that_makes_no_sense(data: int) -> None:
    assert rows_of(functions(Pe(packed_program(data)))) == ([], 1)


def test_functions_come_in_any_order_and_empty_entries_are_none() -> None:
    pdata = struct.pack("<6I", TEXT + 0x80, packed(frame=32), 0, 0, TEXT, packed(frame=16))
    assert rules(image(ARM64, text=bytes(0xC0), pdata=pdata)) == {
        0: ENTRY, 4: at(16), 0x3C: ENTRY, 0x40: {},
        0x80: ENTRY, 0x84: at(32), 0xBC: ENTRY, 0xC0: {},
    }  # fmt: skip


@pytest.mark.parametrize("xdata", (b"", b"\x10\x00\x04\x08\xe4\xe4\xe4\xe4", b"\x10\x00\x00\x10\xe4\xe4\xe4\xe4"))
def test_a_bad_record_costs_one_function_its_rules(xdata: bytes) -> None:
    pdata = struct.pack("<4I", TEXT, XDATA, TEXT + 0x40, packed(frame=16))
    found, broken = rows_of(functions(Pe(image(ARM64, text=bytes(0x80), pdata=pdata, xdata=xdata))))
    assert broken == 1
    assert [row.start - TEXT for row in found] == [0x40, 0x44, 0x7C, 0x80]


@given(
    st.lists(st.tuples(st.integers(0, 400), st.integers(0, 320) | st.integers(0, (1 << 32) - 1)), max_size=12),
    st.binary(max_size=330),
)
def test_any_unwind_data_ends_well(entries: list[tuple[int, int]], xdata: bytes) -> None:
    pdata = b"".join(struct.pack("<II", TEXT + start, XDATA + data if data < 400 else data) for start, data in entries)
    check_rows(image(ARM64, text=bytes(600), pdata=pdata, xdata=xdata))


@given(st.binary(max_size=120), st.binary(max_size=300))
def test_any_bytes_end_well(pdata: bytes, xdata: bytes) -> None:
    check_rows(image(ARM64, text=bytes(600), pdata=pdata, xdata=xdata))


@given(st.binary(max_size=200), st.integers(0, 220))
def test_any_codes_end_well(codes: bytes, index: int) -> None:
    try:
        sequence = read_sequence(codes, index)
    except MalformedDebugFileError as error:
        assert error.code == "malformed"
        return
    assert len(sequence.rules()) == len(sequence.own) + len(sequence.parents) + 1


def check_rows(program: bytes) -> None:
    found, broken = rows_of(functions(Pe(program)))
    starts = [row.start for row in found]
    assert starts == sorted(set(starts))
    assert 0 <= broken <= len(program) // 8
    assert not found or found[-1].rule is None
