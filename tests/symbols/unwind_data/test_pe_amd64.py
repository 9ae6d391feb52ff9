from __future__ import annotations

import struct

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from cairn.symbols.errors import MalformedDebugFileError
from cairn.symbols.formats.pe import Pe
from cairn.symbols.unwind_data.cfi_text import Row
from cairn.symbols.unwind_data.frame_rules import rows_of
from cairn.symbols.unwind_data.pe_amd64 import MAX_CHAIN, functions
from tests.synth.pe import AMD64, PDATA, TEXT, XDATA, amd64_info, amd64_program, image

PUSH, ALLOC_LARGE, ALLOC_SMALL, SET_FRAME, SAVE, SAVE_FAR, EPILOGUE, _, XMM, XMM_FAR, MACHINE_FRAME = range(11)
RBX, RSP, RBP, RSI, RDI, R12 = 3, 4, 5, 6, 7, 12
NOP = b"\x90"


def rows(program: bytes) -> list[Row]:
    found, broken = rows_of(functions(Pe(program)))
    assert broken == 0
    return found


def rules(program: bytes) -> dict[int, dict[str, str]]:
    """By offset in the code: the registers of the rule that begins there; those that are only kept left out."""
    return {row.start - TEXT: parts(row.rule) for row in rows(program)}


def parts(rule: str | None) -> dict[str, str]:
    fields = (rule or "").replace(" + ", " +|").replace(" + ^", " + ^|").split("|")
    text = " ".join(fields).split()
    found: dict[str, list[str]] = {}
    for token in text:
        if token.endswith(":"):
            name = token[:-1]
            found[name] = []
        else:
            found[name].append(token)
    return {name: " ".join(tokens) for name, tokens in found.items() if [name] != tokens}


RA = {".ra": ".cfa -8 + ^"}


def at(depth: int, **saved: int) -> dict[str, str]:
    return {".cfa": f"rsp {depth} +", **RA} | {name: f".cfa {offset} + ^" for name, offset in saved.items()}


def test_each_step_of_a_prologue_and_of_the_epilogue() -> None:
    code = bytes.fromhex("53 41 54 4883ec28") + NOP * 4 + bytes.fromhex("4883c428 415c 5b c3")
    program = amd64_program(code, [(7, ALLOC_SMALL, 4), (3, PUSH, R12), (1, PUSH, RBX)])
    assert rules(program) == {
        0: at(8),
        1: at(16, rbx=-16),
        3: at(24, rbx=-16, r12=-24),
        7: at(64, rbx=-16, r12=-24),
        15: at(24, rbx=-16, r12=-24),
        17: at(16, rbx=-16),
        18: at(8),
        19: {},
    }


def test_registers_that_the_convention_keeps_are_kept() -> None:
    first = rows(amd64_program(b"\x56\x5e\xc3", [(1, PUSH, RSI)]))[:2]
    assert [row.rule for row in first] == [
        ".cfa: rsp 8 + .ra: .cfa -8 + ^ rdi: rdi rsi: rsi",
        ".cfa: rsp 16 + .ra: .cfa -8 + ^ rdi: rdi rsi: .cfa -16 + ^",
    ]
    assert [row.is_init for row in first] == [True, False]


@pytest.mark.parametrize(
    ("codes", "depth"),
    (
        ([(4, ALLOC_SMALL, 15)], 128),
        ([(4, ALLOC_LARGE, 0, 0x1234)], 0x1234 * 8),
        ([(4, ALLOC_LARGE, 1, 0x5678, 0x12)], 0x125678),
        ([(4, ALLOC_SMALL, 3), (4, XMM, 6, 1), (4, XMM_FAR, 7, 2, 0)], 32),
        ([(4, ALLOC_SMALL, 3), (4, EPILOGUE, 6, 1), (4, 7, 7, 2, 0)], 32),
    ),
)
def test_sizes_of_frames(codes: list[tuple[int, ...]], depth: int) -> None:
    assert rules(amd64_program(NOP * 9, codes)) == {0: at(8), 4: at(8 + depth), 9: {}}


def test_registers_saved_by_moves_lie_above_the_end_of_the_frame() -> None:
    codes = [(5, SAVE, RBX, 6), (5, SAVE_FAR, RDI, 0x38, 0), (5, ALLOC_SMALL, 3)]
    assert rules(amd64_program(NOP * 9, codes))[5] == at(40, rbx=8, rdi=16)


def test_a_frame_register_outlives_alloca() -> None:
    code = bytes.fromhex("55 4883ec30 488d6c2420") + NOP * 3 + bytes.fromhex("488d6510 5d c3")
    codes = [(12, SAVE, RBX, 3), (10, SET_FRAME, 0), (5, ALLOC_SMALL, 5), (1, PUSH, RBP)]
    found = rules(amd64_program(code, codes, frame=RBP | 2 << 4))
    body = {".cfa": "rbp 32 +", **RA, "rbp": ".cfa -16 + ^"}
    assert found[5] == at(64, rbp=-16)
    assert found[10] == body
    assert found[12] == body | {"rbx": ".cfa -40 + ^"}
    assert (found[17], found[18]) == (at(16, rbp=-16), at(8))


@pytest.mark.parametrize(("error_code", "extra"), ((0, 0), (1, 8)))
def test_a_machine_frame_has_the_interrupted_registers(error_code: int, extra: int) -> None:
    codes = [(1, ALLOC_SMALL, 1), (0, PUSH, RBP), (0, MACHINE_FRAME, error_code)]
    assert rules(amd64_program(NOP * 4 + b"\x5d\xc3", codes)) == {
        0: {".cfa": f"rsp {8 + 24 + extra} + ^", ".ra": f"rsp {8 + extra} + ^", "rbp": "rsp 0 + ^"},
        1: {".cfa": f"rsp {24 + 24 + extra} + ^", ".ra": f"rsp {24 + extra} + ^", "rbp": "rsp 16 + ^"},
        6: {},
    }


def test_a_pushed_stack_pointer_is_no_rule() -> None:
    assert rules(amd64_program(NOP * 4, [(1, PUSH, RSP)]))[1] == at(16)


@pytest.mark.parametrize(
    "end",
    (
        "c3", "f3c3", "f2c3", "c20800", "e900100000", "eb20", "ff2500100000", "48ff2500100000", "ffe0", "48ffe0",
        "41ffe3", "ff6018", "ff24c8", "ff642418", "ffa018000000", "49ffa218000000", "ffa42418000000",
    ),
)  # fmt: skip
@pytest.mark.parametrize(
    "release",
    (
        "4883c478", "4881c478000000", "488d642478", "488da42478000000", "488d6578", "498d6378", "488da578000000",
        "498be3", "488be5", "4c89dc",
    ),
)  # fmt: skip
def test_forms_of_epilogues(release: str, end: str) -> None:
    code = NOP * 8 + bytes.fromhex(release + end)
    before = 8 + len(release) // 2
    expected = {0: at(8), 4: at(0x80), before: at(8)}
    program = amd64_program(code, [(4, ALLOC_SMALL, 14)])
    assert rules(program) == expected | {len(code): {}}
    longer = amd64_program(code + NOP, [(4, ALLOC_SMALL, 14)])
    assert rules(longer) == expected | {len(code): at(0x80), len(code) + 1: {}}


@pytest.mark.parametrize(("size", "release"), ((128, "4883ec80"), (8, "59"), (8, "4158")))
def test_short_releases(size: int, release: str) -> None:
    code = NOP * 4 + bytes.fromhex(release) + b"\xc3"
    assert rules(amd64_program(code, [(4, ALLOC_SMALL, size // 8 - 1)]))[len(code) - 1] == at(8)


def test_a_release_between_pops_has_to_be_exact() -> None:
    codes = [(7, ALLOC_SMALL, 3), (3, PUSH, RBX), (2, ALLOC_SMALL, 1)]
    found = rules(amd64_program(NOP * 8 + bytes.fromhex("5b 4883c410 c3"), codes))
    assert (found[8], found[9], found[13]) == (at(32, rbx=-32), at(24), at(8))
    assert sorted(rules(amd64_program(NOP * 8 + bytes.fromhex("5b 4883c418 c3"), codes))) == [0, 2, 3, 7, 14]


def test_other_pops_are_no_epilogue() -> None:
    program = amd64_program(NOP * 4 + bytes.fromhex("5e c3 5b 5e c3"), [(2, PUSH, RBX), (1, PUSH, RSI)])
    assert sorted(rules(program)) == [0, 1, 2, 7, 8, 9]
    assert sorted(rules(amd64_program(NOP * 4 + bytes.fromhex("5e 5b c3"), [(2, PUSH, RBX), (1, PUSH, RSI)]))) == [
        0, 1, 2, 7,
    ]  # fmt: skip


def test_an_epilogue_before_the_prologue_is_done() -> None:
    """Microsoft's compiler leaves early, with what was saved until then (node.exe 24)."""
    code = bytes.fromhex("53 4883ec20 4883c420 5b c3") + NOP * 4 + b"\x90"
    found = rules(amd64_program(code, [(14, SAVE, RSI, 9), (5, ALLOC_SMALL, 3), (1, PUSH, RBX)]))
    framed = at(48, rbx=-16)
    assert found == {
        0: at(8), 1: at(16, rbx=-16), 5: framed, 9: at(16, rbx=-16), 10: at(8), 11: framed,
        14: framed | {"rsi": ".cfa 24 + ^"}, 16: {},
    }  # fmt: skip


def test_vzeroupper_may_stand_before_the_return() -> None:
    code = bytes.fromhex("53 4883ec20 4883c420 5b c5f877 c3")
    found = rules(amd64_program(code, [(5, ALLOC_SMALL, 3), (1, PUSH, RBX)]))
    assert (found[9], found[10], sorted(found)) == (at(16, rbx=-16), at(8), [0, 1, 5, 9, 10, 14])


@pytest.mark.parametrize("jump", ("7508", "0f8508000000"))
def test_a_return_that_a_branch_before_the_prologue_reaches(jump: str) -> None:
    head = bytes.fromhex(jump) + bytes.fromhex("4883ec28")
    code = head + NOP * 4 + b"\xc3" + NOP
    found = rules(amd64_program(code, [(len(head), ALLOC_SMALL, 4)]))
    assert found == {0: at(8), len(head): at(48), len(head) + 4: at(8), len(head) + 5: at(48), len(code): {}}


@pytest.mark.parametrize("at_end", (0, 1))
@pytest.mark.parametrize("release_counts", (0, 4))
def test_version_2_tells_where_epilogues_are(at_end: int, release_counts: int) -> None:
    epilogue = bytes.fromhex("4883c420 5b c3") + NOP * 8
    code = bytes.fromhex("53 4883ec20") + epilogue * 3 + epilogue[:6] * at_end
    told = 5 + 14
    codes = [
        (2 + release_counts, EPILOGUE, at_end),
        (len(code) - told - 4 + release_counts, EPILOGUE, 0),
        (0, EPILOGUE, 0),
        (5, ALLOC_SMALL, 3),
        (1, PUSH, RBX),
    ]
    expected = {0: at(8), 1: at(16, rbx=-16), 5: at(48, rbx=-16), len(code): {}}
    expected |= {told + 4: at(16, rbx=-16), told + 5: at(8), told + 6: at(48, rbx=-16)}
    if at_end:
        expected |= {len(code) - 2: at(16, rbx=-16), len(code) - 1: at(8)}
    assert rules(amd64_program(code, codes, version=2)) == expected


def test_a_far_epilogue_of_version_2() -> None:
    code = bytes.fromhex("4883ec28 4883c428 c3") + NOP * 0x3FF
    codes = [(1, EPILOGUE, 0), (0x00, EPILOGUE, 4), (4, ALLOC_SMALL, 4)]
    assert rules(amd64_program(code, codes, version=2)) == {0: at(8), 4: at(48), 8: at(8), 9: at(48), len(code): {}}


def test_version_2_may_have_no_epilogue() -> None:
    found = rules(amd64_program(bytes.fromhex("53 90 5b c3"), [(1, PUSH, RBX)], version=2))
    assert found == {0: at(8), 1: at(16, rbx=-16), 4: {}}


def chained(depth: int) -> bytes:
    """A function, and a part that is chained to it over ``depth`` records, of which each saves one register."""
    xdata = amd64_info([(4, ALLOC_SMALL, 3), (1, PUSH, RBX)])
    record = parent = 0
    for _ in range(depth):
        record = len(xdata)
        xdata += amd64_info([(2, SAVE, RSI, 7)], flags=4, tail=struct.pack("<III", TEXT, TEXT + 8, XDATA + parent))
        parent = record
    pdata = struct.pack("<6I", TEXT, TEXT + 8, XDATA, TEXT + 16, TEXT + 24, XDATA + record)
    return image(AMD64, text=NOP * 18 + bytes.fromhex("4883c420 5b c3"), pdata=pdata, xdata=xdata)


@pytest.mark.parametrize("depth", (1, 2, MAX_CHAIN))
def test_a_chained_part_begins_where_the_prologue_is_done(depth: int) -> None:
    expected = {0: at(8), 1: at(16, rbx=-16), 4: at(48, rbx=-16), 8: {}}
    expected |= {22: at(16, rbx=-16), 23: at(8), 24: {}, 16: at(48, rbx=-16, rsi=8)}
    if depth == 1:
        expected |= {16: at(48, rbx=-16), 18: at(48, rbx=-16, rsi=8)}
    program = chained(depth)
    assert rules(program) == expected
    assert [row.start - TEXT for row in rows(program) if row.is_init] == [0]


def test_a_chain_that_does_not_end_is_no_rule() -> None:
    tail = struct.pack("<III", TEXT, TEXT + 8, XDATA)
    program = image(
        AMD64, text=NOP * 8, pdata=struct.pack("<III", TEXT, TEXT + 8, XDATA), xdata=amd64_info([], flags=4, tail=tail)
    )
    assert rows_of(functions(Pe(program))) == ([], 1)


def test_an_entry_may_stand_for_another() -> None:
    pdata = struct.pack("<6I", TEXT, TEXT + 8, XDATA, TEXT + 16, TEXT + 24, PDATA + 1)
    program = image(AMD64, text=NOP * 24, pdata=pdata, xdata=amd64_info([(4, ALLOC_SMALL, 3)]))
    assert rules(program) == {0: at(8), 4: at(40), 8: {}, 16: at(40), 24: {}}


def test_functions_come_in_any_order_and_the_later_one_owns_its_addresses() -> None:
    pdata = struct.pack("<9I", TEXT + 16, TEXT + 24, XDATA, 0, 0, 0, TEXT, TEXT + 20, XDATA)
    program = image(AMD64, text=NOP * 24, pdata=pdata, xdata=amd64_info([(4, ALLOC_SMALL, 3)]))
    assert rules(program) == {0: at(8), 4: at(40), 16: at(8), 20: at(40), 24: {}}


@pytest.mark.parametrize(
    "info",
    (
        amd64_info([(1, PUSH, RBX)], version=3),
        amd64_info([(1, PUSH, RBX)], version=0),
        amd64_info([(1, 11, 0)]),
        amd64_info([(1, 7, 0)], version=2)[:5],
        amd64_info([(1, SET_FRAME, 0)]),
        amd64_info([(1, ALLOC_LARGE, 1, 5)]),
        amd64_info([(1, PUSH, RBX)], flags=4),
        b"",
    ),
)
def test_bad_unwind_data_costs_one_function_its_rules(info: bytes) -> None:
    good = amd64_info([(4, ALLOC_SMALL, 3)])
    pdata = struct.pack("<6I", TEXT, TEXT + 8, XDATA + len(good), TEXT + 8, TEXT + 16, XDATA)
    found, broken = rows_of(functions(Pe(image(AMD64, text=NOP * 16, pdata=pdata, xdata=good + info))))
    assert broken == 1
    assert [(row.start - TEXT, parts(row.rule)) for row in found] == [(8, at(8)), (12, at(40)), (16, {})]


def test_code_outside_the_file_has_no_rules() -> None:
    pdata = struct.pack("<III", 0x8000, 0x8010, XDATA)
    program = image(AMD64, text=NOP * 16, pdata=pdata, xdata=amd64_info([(4, ALLOC_SMALL, 3)]))
    assert rows_of(functions(Pe(program)))[1] == 1


@given(st.binary(max_size=120), st.binary(max_size=300), st.binary(max_size=200))
@example(
    struct.pack("<III", TEXT, TEXT + 8, XDATA), amd64_info([], flags=4, tail=struct.pack("<III", 0, 0, XDATA)), b""
)
def test_any_bytes_end_well(pdata: bytes, xdata: bytes, text: bytes) -> None:
    check_rows(image(AMD64, text=text + NOP * 16, pdata=pdata, xdata=xdata))


@given(
    st.lists(st.tuples(st.integers(0, 400), st.integers(0, 200), st.integers(0, 320)), max_size=12),
    st.binary(max_size=330),
    st.binary(max_size=500),
)
def test_any_unwind_data_of_real_functions_ends_well(
    entries: list[tuple[int, int, int]], xdata: bytes, text: bytes
) -> None:
    pdata = b"".join(
        struct.pack("<III", TEXT + start, TEXT + start + size, XDATA + info) for start, size, info in entries
    )
    check_rows(image(AMD64, text=text + NOP * 16, pdata=pdata, xdata=xdata))


@given(st.binary(max_size=600), st.integers(0, 600))
def test_any_headers_end_well(data: bytes, start: int) -> None:
    head = struct.pack("<2s58xI", b"MZ", 64) + b"PE\0\0" + struct.pack("<H", AMD64)
    check_rows(head[: max(64, start)] + data)


def check_rows(program: bytes) -> None:
    try:
        found, broken = rows_of(functions(Pe(program)))
    except MalformedDebugFileError as error:
        assert error.code == "malformed"
        return
    starts = [row.start for row in found]
    assert starts == sorted(set(starts))
    assert broken >= 0
    assert not found or found[-1].rule is None
