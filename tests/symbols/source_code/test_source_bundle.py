"""Source bundles, good and hostile, indexed once and read by range."""

from __future__ import annotations

import json
import random
import struct
import tracemalloc
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cairn.symbols.compiling.compile import compile_source_bundle
from cairn.symbols.errors import DebugFileError, DebugFileTooLargeError, MalformedDebugFileError, SymbolFileError
from cairn.symbols.ranges.blob import BytesBlob, FileBlob
from cairn.symbols.ranges.spans import Allowance
from cairn.symbols.source_code import bundle_members
from cairn.symbols.source_code.source_bundle import SourceBundle
from tests.symbols.source_code.source_bundles import HEAD, CountingBlob, bundle, index_of, opened

FIRST = {"/a.cpp": [1]}
LISTED = {"type": "source", "path": "/a.cpp"}


def lines(made: SourceBundle, *paths: str, allowance: Allowance | None = None) -> Mapping[str, Any]:
    return made.lines(dict.fromkeys(paths, range(1, 10)), allowance or Allowance()).lines


def problems(made: SourceBundle, *paths: str) -> tuple[str, ...]:
    return made.lines(dict.fromkeys(paths, (1,)), Allowance()).problems


def test_lines_by_the_compilers_path() -> None:
    made = opened(bundle({"/src/a.cpp": b"one\r\ntwo\n", "/src/b.h": "drei ü".encode()}))
    assert lines(made, "/src/a.cpp", "/src/./x/../b.h", "/src/c.cpp") == {
        "/src/a.cpp": {1: "one", 2: "two"},
        "/src/./x/../b.h": {1: "drei ü"},
    }
    assert made.lines({"/src/a.cpp": [2, 7]}, Allowance()).lines == {"/src/a.cpp": {2: "two"}}


@pytest.mark.parametrize(
    "path", [r"C:\game\a.cpp", "/src/ä ö\u2028.cpp", "/src/\ud800.cpp", "a\nb.cpp", "", "x" * 5000]
)
def test_odd_names_are_found(path: str) -> None:
    manifest = {"files": {"files/it": {"type": "source", "path": path}}}
    made = opened(bundle({"/it": b"here"}, manifest=manifest))
    assert lines(made, path, "/it") == {path: {1: "here"}}


def test_windows_paths_are_found_however_they_are_spelt() -> None:
    manifest = {"files": {"files/it": {"type": "source", "path": r"C:\game\a.cpp"}}}
    made = opened(bundle({"/it": b"here"}, manifest=manifest))
    assert list(lines(made, r"C:\game\sub\..\a.cpp")) == [r"C:\game\sub\..\a.cpp"]


def test_a_file_is_read_without_its_neighbours() -> None:
    data = bundle({f"/src/{n}.cpp": b"%d\n" % n for n in range(10)}, filler=1_000_000)
    index, content = CountingBlob(index_of(data)), CountingBlob(data)
    made = SourceBundle(index, content)
    assert lines(made, "/src/0.cpp", "/src/8.cpp") == {"/src/0.cpp": {1: "0"}, "/src/8.cpp": {1: "8"}}
    assert [len(call) for call in content.calls] == [2]
    assert sum(end - start for call in content.calls for start, end in call) < 100
    assert len(index.calls) == 1, "an index of a few files is read when it is opened"


def test_files_near_each_other_are_one_request() -> None:
    content = CountingBlob(data := bundle({f"/src/{n}.cpp": b"line\n" * n for n in range(50)}))
    lines(SourceBundle(BytesBlob(index_of(data)), content), *(f"/src/{n}.cpp" for n in range(50)))
    assert [len(call) for call in content.calls] == [1]


def test_a_hundred_thousand_files_cost_little(tmp_path: Path) -> None:
    count = 100_000
    path, data = tmp_path / "bundle", bundle({f"/src/{n}.cpp": b"%d" % n for n in range(count)}, zipfile.ZIP_STORED)
    path.write_bytes(data)
    compiled = compile_source_bundle(path, tmp_path)
    assert (compiled.features.sources, compiled.problems) == (True, ())
    index = CountingBlob(compiled.path.read_bytes())
    assert index.size < 33 * count
    tracemalloc.start()
    made = SourceBundle(index, BytesBlob(data))
    assert lines(made, "/src/77777.cpp") == {"/src/77777.cpp": {1: "77777"}}
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert held < 200_000
    assert sum(end - start for call in index.calls for start, end in call) < 90_000, "the head, and one block"
    assert len(lines(made, *(f"/src/{n}.cpp" for n in range(0, count, 5000)))) == 20


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(HEAD + b"no zip at all" * 50, id="no zip"),
        pytest.param(bundle({"/a": b"x"})[:-30], id="cut short"),
        pytest.param(bundle({"/a": b"x"}, manifest="[" * 100_000), id="deep manifest"),
        pytest.param(bundle({"/a": b"x"}, manifest="{"), id="broken manifest"),
        pytest.param(HEAD + b"PK\5\6" + bytes(18), id="no manifest"),
        pytest.param(bundle({"/a": b"x"}, zipfile.ZIP_LZMA), id="manifest packed in another way"),
    ],
)
def test_what_is_no_bundle_is_refused(data: bytes) -> None:
    with pytest.raises(MalformedDebugFileError, match="source bundle cannot be read"):
        index_of(data)


@pytest.mark.parametrize("manifest", [[], {}, {"files": []}, {"files": {"a": 1, "b": {"type": "source", "path": 5}}}])
def test_a_manifest_that_names_nothing_has_nothing(manifest: Any) -> None:
    assert lines(opened(bundle({"/a": b"x"}, manifest=manifest)), "/a", "a", "b") == {}


def test_a_manifest_that_unpacks_without_end_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bundle_members, "MAX_MANIFEST", 1000)
    with pytest.raises(MalformedDebugFileError, match="larger than 1000 bytes"):
        index_of(bundle({}, manifest=" " * 1_000_000))
    lying = bundle({}, manifest=" " * 1_000_000).replace(struct.pack("<I", 1_000_000), struct.pack("<I", 10))
    with pytest.raises(MalformedDebugFileError):
        index_of(lying)


def test_too_many_files_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bundle_members, "MAX_FILES", 1)
    with pytest.raises(DebugFileTooLargeError, match="more than 1 files"):
        index_of(bundle({"/a": b"", "/b": b""}))


def changed(data: bytes, name: str, at: int, form: str, value: int) -> bytes:
    """A bundle whose directory says something else of one member; ``at`` is an offset in the directory's record."""
    made = bytearray(data)
    record = data.rindex(b"PK\1\2", 0, data.rindex(name.encode()))
    struct.pack_into(form, made, record + at, value)
    return bytes(made)


METHOD, FLAGS, CRC, PACKED, SIZE, OFFSET = (10, "<H"), (8, "<H"), (16, "<I"), (20, "<I"), (24, "<I"), (42, "<I")


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        pytest.param(PACKED, 1 << 23, "sizes that the bundle says cannot be", id="packed is more than unpacked"),
        pytest.param(PACKED, 3, "cannot be|damaged", id="packed is too little"),
        pytest.param(PACKED, 0xFFFF_FFF0, "too large", id="packed is gigabytes"),
        pytest.param(SIZE, 0xFFFF_FFF0, "too large", id="unpacked is gigabytes"),
        pytest.param(SIZE, 500, "damaged, or not what the bundle says", id="unpacked is too little"),
        pytest.param(SIZE, 5_000_000, "damaged, or not what the bundle says", id="unpacked is too much"),
        pytest.param(CRC, 1, "damaged, or not what the bundle says", id="another checksum"),
        pytest.param(OFFSET, 0x7FFF_FFFF, "outside of the bundle", id="far away"),
        pytest.param(OFFSET, 20, "no file where the bundle says", id="in the middle of something"),
        pytest.param(METHOD, zipfile.ZIP_LZMA, "encrypted, or packed", id="another packing"),
        pytest.param(FLAGS, 1, "encrypted, or packed", id="encrypted"),
    ],
)
def test_a_file_that_lies_costs_its_own_lines_only(field: tuple[int, str], value: int, said: str) -> None:
    sound = {f"/{n}.cpp": b"sound\n" * 100 for n in range(3)}
    data = changed(bundle({"/liar.cpp": b"lies\n" * 200, **sound}), "/liar.cpp", *field, value)
    made = opened(data)
    assert list(lines(made, "/liar.cpp", *sound)) == list(sound)
    (problem,) = problems(made, "/liar.cpp", *sound)
    assert problem.startswith("/liar.cpp: ")
    assert any(word in problem for word in said.split("|")), problem


def test_a_listed_file_that_is_not_there() -> None:
    data = bundle({"/a.cpp": b"x"}, manifest={"files": {"files/a.cpp": LISTED, "gone": {**LISTED, "path": "/b.cpp"}}})
    assert problems(opened(data), "/a.cpp", "/b.cpp") == ("/b.cpp: the bundle lists it, and has it not",)


def test_files_that_lie_over_each_other_are_read_within_their_bounds() -> None:
    data = bundle({"/a.cpp": b"the one\n", "/b.cpp": b"the other\n"}, zipfile.ZIP_STORED)
    (offset,) = struct.unpack_from("<I", data, data.rindex(b"PK\1\2", 0, data.rindex(b"files/a.cpp")) + 42)
    both = changed(data, "/b.cpp", *OFFSET, offset)
    assert list(lines(opened(both), "/a.cpp", "/b.cpp")) == ["/a.cpp"]
    twice = changed(changed(changed(both, "/b.cpp", *SIZE, 8), "/b.cpp", *PACKED, 8), "/b.cpp", *CRC, 0)
    assert list(lines(opened(twice), "/a.cpp", "/b.cpp")) == ["/a.cpp"]


def test_a_bomb_is_not_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    data = bundle({"/bomb": bytes(20_000_000), "/a": b"x"})
    assert list(lines(opened(data), "/bomb", "/a")) == ["/a"]
    lying = changed(changed(data, "/bomb", *SIZE, 1000), "/bomb", *PACKED, 1000)
    tracemalloc.start()
    assert list(lines(opened(lying), "/bomb", "/a")) == ["/a"]
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 5_000_000


def test_no_more_is_read_and_unpacked_than_a_crash_is_worth() -> None:
    noise = random.Random(7)
    data = bundle({f"/{n}": noise.randbytes(100_000) for n in range(4)}, filler=600_000)
    content = CountingBlob(data)
    made = SourceBundle(BytesBlob(index_of(data)), content)
    paths = [f"/{n}" for n in range(4)]
    assert list(lines(made, *paths, allowance=Allowance(read=250_000))) == ["/0", "/1"]
    assert list(lines(made, *paths, allowance=Allowance(requests=1))) == ["/0"]
    assert list(lines(made, *reversed(paths), allowance=Allowance(unpacked=350_000))) == ["/3", "/2", "/1"]
    assert max(sum(end - start for start, end in call) for call in content.calls) < 410_000
    found = made.lines(dict.fromkeys(paths, (1,)), Allowance(read=150_000))
    assert [problem.partition(": ")[2] for problem in found.problems] == [
        "more would have to be read than a crash is worth"
    ] * 3


@pytest.mark.parametrize(
    "index",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(bytes(100), id="zeros"),
        pytest.param(index_of(bundle({"/a.cpp": b"x"}))[:-1], id="cut short"),
        pytest.param(b"CAIRNSRC\x63\0\0\0" + bytes(12), id="another version"),
        pytest.param(b"CAIRNSRC\4\0\0\0\xff\xff\xff\xff" + bytes(8), id="a count that lies"),
    ],
)
def test_an_index_that_is_none(index: bytes) -> None:
    with pytest.raises(SymbolFileError):
        SourceBundle(BytesBlob(index), BytesBlob(b""))


def test_an_index_of_another_bundle() -> None:
    data = bundle({"/a.cpp": b"x"})
    with pytest.raises(SymbolFileError, match="not the one that was indexed"):
        SourceBundle(BytesBlob(index_of(data)), BytesBlob(data + b"x"))


def test_a_file_that_shrank(tmp_path: Path) -> None:
    path, data = tmp_path / "bundle", bundle({"/a.cpp": random.Random(7).randbytes(900)})
    path.write_bytes(data)
    made = SourceBundle(BytesBlob(index_of(data)), FileBlob(path))
    path.write_bytes(data[:500])
    assert list(made.lines(FIRST, Allowance()).lines) == []


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_damaged_bytes_are_refused_or_leave_something_out(data: st.DataObject) -> None:
    good = bytearray(bundle({"/a.cpp": b"one\ntwo\n" * 20, "/b.cpp": b"three\n"}))
    for _ in range(data.draw(st.integers(1, 4))):
        good[data.draw(st.integers(0, len(good) - 1))] = data.draw(st.integers(0, 255))
    try:
        found = lines(opened(bytes(good)), "/a.cpp", "/b.cpp")
    except DebugFileError:
        return
    assert set(found) <= {"/a.cpp", "/b.cpp"}
    assert found.get("/b.cpp", {1: "three"}) == {1: "three"}


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_a_damaged_index_is_refused_or_leaves_something_out(data: st.DataObject) -> None:
    content = bundle({"/a.cpp": b"one\ntwo\n" * 20, "/b.cpp": b"three\n"})
    index = bytearray(index_of(content))
    for _ in range(data.draw(st.integers(1, 4))):
        index[data.draw(st.integers(0, len(index) - 1))] = data.draw(st.integers(0, 255))
    try:
        found = lines(SourceBundle(BytesBlob(bytes(index)), BytesBlob(content)), "/a.cpp", "/b.cpp")
    except SymbolFileError:
        return
    assert set(found) <= {"/a.cpp", "/b.cpp"}


def test_what_a_bundle_lacks_is_told_when_it_arrives(tmp_path: Path) -> None:
    manifest = json.loads(json.dumps({"files": {"files/a.cpp": LISTED, "gone": {**LISTED, "path": "/b.cpp"}}}))
    manifest |= {"debug_id": "01234567-89ab-cdef-0123-456789abcdef", "arch": "x86_64"}
    (tmp_path / "bundle").write_bytes(bundle({"/a.cpp": b"x"}, manifest=manifest))
    compiled = compile_source_bundle(tmp_path / "bundle", tmp_path)
    assert compiled.debug_id == "01234567-89ab-cdef-0123-456789abcdef"
    assert compiled.problems == (
        "1 of 2 source files cannot be shown, /b.cpp for one: the bundle lists it, and has it not.",
    )
