from __future__ import annotations

import time

from hypothesis import given, settings
from hypothesis import strategies as st

from cairn.symbols.rules import CfiRule, WinRule
from cairn.symbols.symbol_file.rule_table import RulePiece, rule_pieces
from cairn.symbols.unwind_data.cfi_text import MAX_REGISTERS, Row, parse_rule, parse_stack_lines

RA = (".cfa", -8, "+", "^")


def rule_at(rows: list[Row], offset: int) -> CfiRule | WinRule | None:
    """Look up in the pieces that the rows make; small ones, so that there are several."""
    found = None
    for piece in rule_pieces(rows, rows_per_piece=3):
        if piece.start <= offset:
            found = RulePiece(piece.data).rule_at(offset)
    return found


def rules_of(text: str) -> list[Row]:
    return parse_stack_lines(text.encode().split(b"\n"))


def test_deltas_are_merged_into_the_rule_before() -> None:
    rows = rules_of(
        "STACK CFI INIT 1000 40 .cfa: $rsp 8 + .ra: .cfa -8 + ^\n"
        "STACK CFI 1001 .cfa: $rsp 16 + $rbp: .cfa -16 + ^\n"
        "STACK CFI 1004 .cfa: $rbp 16 +\n"
    )
    assert rule_at(rows, 0xFFF) is None
    assert rule_at(rows, 0x1000) == CfiRule(("rsp", 8, "+"), RA, at_function_start=True)
    assert rule_at(rows, 0x1003) == CfiRule(("rsp", 16, "+"), RA, (("rbp", (".cfa", -16, "+", "^")),))
    assert rule_at(rows, 0x103F) == CfiRule(("rbp", 16, "+"), RA, (("rbp", (".cfa", -16, "+", "^")),))
    assert rule_at(rows, 0x1040) is None


def test_a_record_without_a_return_address_is_the_outermost_frame() -> None:
    rows = rules_of("STACK CFI INIT 10 10 .cfa: sp 0 +\nSTACK CFI INIT 20 10 .cfa: sp 0 + .ra: .undef x19: .undef")
    assert rule_at(rows, 0x10) == CfiRule(("sp", 0, "+"), None, at_function_start=True)
    assert rule_at(rows, 0x24) == CfiRule(("sp", 0, "+"), None, (("x19", None),))


def test_what_cannot_be_evaluated_is_a_gap_or_a_lost_register() -> None:
    rows = rules_of(
        "STACK CFI INIT 10 10 .cfa: rsp 8 + .ra: .cfa -8 + ^ rbx: rsp € +\n"
        "STACK CFI INIT 20 10 .cfa: .undef .ra: .cfa\n"
        "STACK CFI INIT 30 10 .ra: rsp\n"
        "STACK CFI INIT 40 10 .cfa: rsp 8 + .ra: .cfa ?? ^\n"
    )
    assert rule_at(rows, 0x18) == CfiRule(("rsp", 8, "+"), RA, (("rbx", None),))
    assert [rule_at(rows, offset) for offset in (0x20, 0x30, 0x40)] == [None, None, None]


def test_records_may_come_in_any_order_and_the_first_by_address_wins() -> None:
    rows = rules_of(
        "STACK CFI INIT 30 10 .cfa: rsp 3 + .ra: .cfa\n"
        "STACK CFI INIT 10 28 .cfa: rsp 1 + .ra: .cfa\n"
        "STACK CFI INIT 14 4 .cfa: rsp 2 + .ra: .cfa\n"
        "STACK CFI INIT 60 0 .cfa: rsp 9 + .ra: .cfa\n"
    )
    seen = {offset: rule_at(rows, offset) for offset in (0x10, 0x15, 0x37, 0x38, 0x3F, 0x40, 0x60)}
    assert {offset: rule.cfa[1] for offset, rule in seen.items() if isinstance(rule, CfiRule)} == {
        0x10: 1, 0x15: 1, 0x37: 1, 0x38: 3, 0x3F: 3,
    }  # fmt: skip


def test_bad_lines_are_skipped() -> None:
    rows = rules_of(
        "STACK CFI INIT xyz 10 .cfa: rsp 8 +\nSTACK CFI 5\nSTACK\n"
        "STACK CFI INIT 10 10 .cfa: rsp 8 + .ra: .cfa -8 + ^\r\n"
        "STACK CFI 400 .cfa: rsp 99 +\nSTACK CFI\nSTACK WIN 4 zz"
    )
    assert rows == [Row(0x10, ".cfa: rsp 8 + .ra: .cfa -8 + ^", is_init=True), Row(0x20, None)]


def test_stack_win_records_nest_and_go_before_cfi() -> None:
    rows = rules_of(
        "STACK CFI INIT 1000 200 .cfa: $esp 4 + .ra: .cfa -4 + ^\n"
        "STACK WIN 4 1000 100 1 2 8 4 10 0 1 $T0 .raSearch = $eip $T0 ^ =$esp $T0 4 + =\n"
        "STACK WIN 4 1020 10 0 0 c 4 0 0 1 $eip 4 + ^ =\n"
        "STACK WIN 0 1080 100 0 0 c 0 20 0 0 1\n"
        "STACK WIN 0 1300 10 0 0 c 0 20 0 1 1\n"
    )
    outer = rule_at(rows, 0x1000)
    assert outer == WinRule(
        4, 0x1000, 0x100, 1, 2, 8, 4, 0x10, 0,
        program=("$T0", ".raSearch", "=", "$eip", "$T0", "^", "=", "$esp", "$T0", "4", "+", "="),
    )  # fmt: skip
    inner = rule_at(rows, 0x102F)
    assert isinstance(inner, WinRule) and inner.rva == 0x1020
    assert rule_at(rows, 0x1030) == outer
    assert rule_at(rows, 0x10FF) == outer
    fpo = rule_at(rows, 0x1100)
    assert fpo == WinRule(0, 0x1080, 0x100, 0, 0, 0xC, 0, 0x20, 0, None, allocates_base_pointer=True)
    assert isinstance(rule_at(rows, 0x1180), CfiRule)
    assert rule_at(rows, 0x1300) is None


EXPRESSIONS = st.sampled_from(("$rsp 8 +", "$rbp 16 +", ".cfa -16 + ^", "$rsp -16 @", ".undef"))
ASSIGNMENTS = st.dictionaries(st.sampled_from((".cfa", ".ra", "$rbx", "$rbp")), EXPRESSIONS, min_size=1)
INITS = st.tuples(
    st.integers(0, 400), st.integers(0, 60), ASSIGNMENTS,
    st.lists(st.tuples(st.integers(0, 80), ASSIGNMENTS), max_size=4),
)  # fmt: skip


def evaluated(inits: list[tuple[int, int, dict[str, str], list[tuple[int, dict[str, str]]]]], offset: int) -> object:
    """What section 3.2 says a look-up is, written down without any table."""
    for start, size, rules, deltas in sorted(inits, key=lambda init: init[0]):
        if start <= offset < start + size:
            state = dict(rules)
            for address, changes in sorted(deltas, key=lambda delta: delta[0]):
                if start + address <= offset and address < size:
                    state |= changes
            if state.get(".cfa", ".undef") == ".undef":
                return None
            return {name.strip("$"): text.replace("$", "") for name, text in state.items() if text != ".undef"}
    return None


def shown(rule: CfiRule | WinRule | None) -> object:
    if not isinstance(rule, CfiRule):
        return None
    registers = {".cfa": rule.cfa, ".ra": rule.ra, **dict(rule.registers)}
    return {name: " ".join(map(str, tokens)) for name, tokens in registers.items() if tokens is not None}


@settings(deadline=None)
@given(st.lists(INITS, max_size=6, unique_by=lambda init: init[0]))
def test_the_table_says_what_the_text_says(
    inits: list[tuple[int, int, dict[str, str], list[tuple[int, dict[str, str]]]]],
) -> None:
    def written(rules: dict[str, str]) -> str:
        return " ".join(f"{register}: {expression}" for register, expression in rules.items())

    lines = []
    for start, size, rules, deltas in inits:
        lines.append(f"STACK CFI INIT {start:x} {size:x} {written(rules)}")
        lines += [f"STACK CFI {start + address:x} {written(changes)}" for address, changes in deltas]
    rows = rules_of("\n".join(lines))
    assert [row.start for row in rows] == sorted({row.start for row in rows})
    piece = RulePiece(next(rule_pieces(rows)).data) if rows else None
    for offset in range(0, 470, 3):
        rule = piece.rule_at(offset) if piece else None
        assert shown(rule) == evaluated(inits, offset), hex(offset)


@given(st.binary(max_size=300))
def test_any_bytes_are_survived(data: bytes) -> None:
    rows = parse_stack_lines((b"STACK CFI INIT 1 1 " + data, b"STACK CFI " + data, b"STACK WIN " + data, data))
    for row in rows:
        assert row.rule is None or isinstance(parse_rule(row.rule), (CfiRule, WinRule))


def test_a_state_does_not_grow_for_ever() -> None:
    lines = [b"STACK CFI INIT 0 ffffff .cfa: rsp .ra: rsp"]
    lines += [b"STACK CFI %x r%d: .cfa" % (address, address) for address in range(1, 3000)]
    rows = parse_stack_lines(lines)
    assert len(rows) <= MAX_REGISTERS + 2


def test_a_big_text_takes_a_second_or_so() -> None:
    lines = []
    for number in range(25_000):
        start = number * 64
        lines.append(b"STACK CFI INIT %x 40 .cfa: $rsp 8 + .ra: .cfa -8 + ^" % start)
        lines += [b"STACK CFI %x .cfa: $rsp %d +" % (start + step, 8 + step) for step in (1, 4, 9)]
    begin = time.process_time()
    assert len(parse_stack_lines(lines)) == 100_001
    assert time.process_time() - begin < 5
