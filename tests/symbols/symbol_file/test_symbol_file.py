from __future__ import annotations

import json
import struct
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cairn.symbols.compiling.compiler import compile_here
from cairn.symbols.errors import SymbolFileError, SymbolFileVersionError
from cairn.symbols.ranges.blob import BytesBlob, FileBlob
from cairn.symbols.ranges.pieces import compress
from cairn.symbols.records import Features, Segment
from cairn.symbols.rules import CfiRule
from cairn.symbols.symbol_file import reader as symbol_file
from cairn.symbols.symbol_file.columns import NONE, pack
from cairn.symbols.symbol_file.coverage import Coverage
from cairn.symbols.symbol_file.index import CURRENT, Description, Index, pack_index
from cairn.symbols.symbol_file.reader import SymbolFile
from cairn.symbols.symbol_file.rule_table import rule_pieces
from cairn.symbols.symbol_file.writer import SymbolFileWriter
from cairn.symbols.unwind_data.cfi_text import Row, parse_rule
from tests.symbols.programs import SYM, SYM_DEBUG_ID

SEGMENTS = (Segment(0, 0x500, 0, False), Segment(0x1000, 0x2000, 0x800, True))
DESCRIPTION = Description("id-1", None, "x86_64", "lib", "elf", "libx.so", Features(unwind_info=True), SEGMENTS)
RULES = (None, ".cfa: rsp 8 + .ra: .cfa -8 + ^", ".cfa: rsp 16 + .ra: .cfa -8 + ^ rbp: .cfa -16 + ^", ".cfa: rsp 8 +")


class CountingBlob(BytesBlob):
    def __init__(self, data: bytes) -> None:
        super().__init__(data)
        self.calls: list[list[tuple[int, int]]] = []

    def read(self, ranges: Sequence[tuple[int, int]]) -> list[bytes]:
        self.calls.append(list(ranges))
        return super().read(ranges)


def written(path: Path, rows: Sequence[Row], rows_per_piece: int = 16384) -> bytes:
    with SymbolFileWriter(path) as writer:
        writer.add_rules(rule_pieces(rows, rows_per_piece))
        writer.finish(DESCRIPTION, [(0x1000, 0x2000)])
    return path.read_bytes()


def sample(folder: Path) -> bytes:
    source = folder / "a.sym"
    source.write_bytes(SYM)
    (compiled,) = compile_here(source, folder)
    return compiled.path.read_bytes()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    entries=st.dictionaries(st.integers(0, 0xFFFFFFFF), st.tuples(st.integers(0, 3), st.booleans()), max_size=60),
    rows_per_piece=st.integers(1, 20),
)
def test_rules_come_back(
    entries: dict[int, tuple[int, bool]], rows_per_piece: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    rows = [Row(start, RULES[rule], is_init) for start, (rule, is_init) in sorted(entries.items())]
    path = tmp_path_factory.getbasetemp() / "rules.symbols"
    file = SymbolFile.open(BytesBlob(written(path, rows, rows_per_piece)))
    assert file.description == DESCRIPTION
    assert file.has_unwind_info is bool(rows)
    for row in rows:
        rule = file.rule_at(row.start)
        if row.rule is None:
            assert rule is None
        else:
            assert isinstance(rule, CfiRule)
            assert rule.at_function_start is row.is_init
            assert parse_rule(row.rule) == CfiRule(rule.cfa, rule.ra, rule.registers)


def test_names_lines_and_rules_of_one_file(tmp_path: Path) -> None:
    file = SymbolFile.open(BytesBlob(sample(tmp_path)))
    assert (file.debug_id, file.arch, file.features) == (SYM_DEBUG_ID, "x86_64", Features(True, True, True, False))
    found = file.locate([0x1010, 0x1025, 0x1100, 0x1850, 0x19FF, 0x10, 1 << 40, -1])
    assert [(at.function, at.file, at.line, at.entry) for at in found[0x1010]] == [
        ("beta(char)", "/src/beta.h", 7, None),
        ("alpha(int)", "/src/alpha.cc", 4, 0x1000),
    ]
    assert [at.line for at in found[0x1025]] == [5]
    assert [(at.function, at.from_symbol_table, at.line) for at in found[0x1850]] == [("far_away", True, None)]
    assert [at.function for at in found[0x19FF]] == ["last"]
    assert (found[0x10], found[1 << 40], found[-1]) == ((), (), ())
    assert isinstance(file.rule_at(0x1001), CfiRule)
    assert file.rule_at(0x1040) is file.rule_at(1 << 40) is file.rule_at(-1) is None
    assert [file.has_function(offset) for offset in (0xFFF, 0x1000, 0x103F, 0x1060, 0x1100)] == [
        False, True, True, False, True,
    ]  # fmt: skip


def test_a_small_file_is_read_once(tmp_path: Path) -> None:
    blob = CountingBlob(sample(tmp_path))
    file = SymbolFile.open(blob)
    file.locate([0x1010, 0x1100])
    file.rule_at(0x1000)
    assert blob.calls == [[(0, blob.size)]]
    assert (file.reads, file.bytes_read) == (1, blob.size)


def test_a_large_file_is_read_by_piece(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(symbol_file, "WHOLE_FILE", 100)
    monkeypatch.setattr(symbol_file, "TAIL", 64)
    rows = [Row(number * 16, f".cfa: rsp {number} + .ra: .cfa", is_init=True) for number in range(4000)]
    blob = CountingBlob(written(tmp_path / "large", rows, 500))
    file = SymbolFile.open(blob)
    assert len(blob.calls) == 2  # the tail, and the index that is longer
    rule = file.rule_at(777 * 16)
    assert isinstance(rule, CfiRule)
    assert rule.cfa == ("rsp", 777, "+")
    assert len(blob.calls) == 3
    assert file.rule_at(778 * 16) is not None
    assert len(blob.calls) == 3
    assert file.bytes_read == sum(end - start for call in blob.calls for start, end in call)


def test_another_version_is_told_from_damage(tmp_path: Path) -> None:
    data = sample(tmp_path)
    other = data[:-16] + struct.pack("<II8s", *struct.unpack("<I4x8s", data[-16:])[:1], CURRENT + 1, b"CAIRNSYM")
    with pytest.raises(SymbolFileVersionError, match=f"version {CURRENT + 1}"):
        SymbolFile.open(BytesBlob(other))


@pytest.mark.parametrize("keep", (0, 5, 15, 16, 40, 200, -1))
def test_a_cut_file_is_broken(keep: int, tmp_path: Path) -> None:
    with pytest.raises(SymbolFileError) as caught:
        SymbolFile.open(BytesBlob(sample(tmp_path)[:keep]))
    assert caught.value.code == "broken_symbol_file"


def test_a_file_shorter_than_it_says_is_broken(tmp_path: Path) -> None:
    blob = FileBlob(tmp_path / "a.sym") if (data := sample(tmp_path)) else None
    assert blob is not None
    path = tmp_path / "cut"
    path.write_bytes(data)
    blob = FileBlob(path)
    path.write_bytes(data[:-30])
    with pytest.raises(SymbolFileError, match="shorter"):
        SymbolFile.open(blob)


def index_of(data: bytes) -> Index:
    (size,) = struct.unpack("<I", data[-16:-12])
    return Index(data[-16 - size : -16])


def with_index(data: bytes, raw: bytes) -> bytes:
    frame = compress(raw, 3)
    return data[: -16 - len(index_of(data).frame)] + frame + struct.pack("<II8s", len(frame), CURRENT, b"CAIRNSYM")


def test_an_index_comes_back(tmp_path: Path) -> None:
    sizes, names, rules = [7, 1, NONE], [0, NONE], [4096]
    covered = Coverage([0, 1, 5, NONE])
    index = Index(compress(pack_index(DESCRIPTION, sizes, names, rules, covered), 3))
    assert [list(column) for column in (index.sizes, index.names, index.rules)] == [sizes, names, rules]
    assert list(index.covered.bounds) == covered.bounds
    assert index.description == DESCRIPTION


@pytest.mark.parametrize(
    ("columns", "message"),
    (
        ([1, 1, 0, 0, 20, 0x1000, 0x1000], "without bytes"),
        ([1, 1, 0, 10, 20, 0x1000, 0x1000], "does not fit its pieces"),
        ([1, 0, 0, 10, 0x1000], "does not fit its pieces"),
        ([2, 0, 0, 10, 20, 0x1000, NONE], "above 4 GB"),
        ([0, 0, 2, NONE, 1], "above 4 GB"),
        ([NONE, NONE, NONE], "shorter than its header"),
        ([0, 0, 20000], "shorter than its header"),
        ([0, 1], "shorter than its header"),
        ([0, 0, 0, 0x31313131], "damaged"),
    ),
    ids=str,
)
def test_an_index_that_lies_is_broken(columns: list[int], message: str, tmp_path: Path) -> None:
    description = json.dumps(DESCRIPTION.to_json()).encode() if len(columns) > 2 else b""
    with pytest.raises(SymbolFileError, match=message):
        SymbolFile.open(BytesBlob(with_index(sample(tmp_path), pack(columns) + description)))


SEGMENT = {"address": 1, "size": 1, "offset": 1, "executable": True}


LIES: tuple[dict[str, Any], ...] = (
    {"features": {}}, {"features": 3}, {"features": None}, {"debug_id": 3}, {"arch": 3}, {"name": 3}, {"arch": None},
    {"name": None}, {"segments": None}, {"segments": [3]}, {"segments": [{"address": 1}]},
    {"segments": [SEGMENT | {"address": -1}]}, {"segments": [SEGMENT | {"size": 1.5}]},
    {"segments": [SEGMENT | {"offset": True}]},
)  # fmt: skip


@pytest.mark.parametrize("change", LIES, ids=str)
def test_a_description_that_lies_is_broken(change: dict[str, Any], tmp_path: Path) -> None:
    data = sample(tmp_path)
    index = index_of(data)
    raw = pack_index(index.description, index.sizes, index.names, index.rules, index.covered)
    columns = raw[: -len(json.dumps(index.description.to_json(), separators=(",", ":")))]
    good = index.description.to_json() | {"segments": [SEGMENT]}
    SymbolFile.open(BytesBlob(with_index(data, columns + json.dumps(good).encode())))
    with pytest.raises(SymbolFileError, match=r"lacks something|no number|describes it wrong"):
        SymbolFile.open(BytesBlob(with_index(data, columns + json.dumps(good | change).encode())))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150, deadline=None)
@given(data=st.data())
def test_flipped_bytes_are_noticed(data: st.DataObject, tmp_path_factory: pytest.TempPathFactory) -> None:
    base = tmp_path_factory.getbasetemp() / "flip"
    base.mkdir(exist_ok=True)
    good = path.read_bytes() if (path := base / "0.symbols").exists() else sample(base)
    broken = bytearray(good)
    broken[data.draw(st.integers(8, len(good) - 1))] ^= data.draw(st.integers(1, 255))
    try:
        file = SymbolFile.open(BytesBlob(bytes(broken)))
        found = file.locate([0x1010, 0x1100])
        rule = file.rule_at(0x1000)
    except SymbolFileError:
        return
    whole = SymbolFile.open(BytesBlob(good))
    assert (found, rule) == (whole.locate([0x1010, 0x1100]), whole.rule_at(0x1000))
