"""Source bundles, good and hostile, read by range."""

from __future__ import annotations

import io
import json
import random
import struct
import zipfile
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cairn.symbols import source_bundle
from cairn.symbols.blob import BytesBlob
from cairn.symbols.errors import SymbolFileError
from cairn.symbols.source_bundle import SourceBundle

HEAD = b"SYSB\2\0\0\0"


class CountingBlob(BytesBlob):
    def __init__(self, data: bytes) -> None:
        super().__init__(data)
        self.calls: list[list[tuple[int, int]]] = []

    def read(self, ranges: Sequence[tuple[int, int]]) -> list[bytes]:
        self.calls.append(list(ranges))
        return super().read(ranges)


def bundle(
    files: Mapping[str, bytes], method: int = zipfile.ZIP_DEFLATED, manifest: Any = None, filler: int = 0
) -> bytes:
    """A bundle of ``files`` by the compiler's path; ``filler`` bytes that do not pack lie between any two."""
    noise = random.Random(7)
    packed = io.BytesIO(HEAD)
    packed.seek(len(HEAD))
    with zipfile.ZipFile(packed, "w", method) as archive:
        for path, content in files.items():
            archive.writestr(f"files{path}", content)
            if filler:
                archive.writestr(f"noise{path}", noise.randbytes(filler), zipfile.ZIP_STORED)
        members = {f"files{path}": {"type": "source", "path": path} for path in files}
        text = {"files": members, "debug_id": "x"} if manifest is None else manifest
        archive.writestr("manifest.json", text if isinstance(text, str) else json.dumps(text))
    return packed.getvalue()


def test_lines_by_the_compilers_path() -> None:
    made = SourceBundle(BytesBlob(bundle({"/src/a.cpp": b"one\r\ntwo\n", "/src/b.h": "drei ü".encode()})))
    assert made.lines(["/src/a.cpp", "/src/./x/../b.h", "/src/c.cpp"]) == {
        "/src/a.cpp": ["one", "two"],
        "/src/./x/../b.h": ["drei ü"],
    }


def test_windows_paths_are_found() -> None:
    made = SourceBundle(BytesBlob(bundle({}, manifest={"files": {}})))
    assert made.lines([r"C:\game\a.cpp"]) == {}
    members = {"files/C/game/a.cpp": {"type": "source", "path": r"C:\game\a.cpp"}}
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("files/C/game/a.cpp", "here")
        archive.writestr("manifest.json", json.dumps({"files": members}))
    made = SourceBundle(BytesBlob(HEAD + packed.getvalue()))
    assert made.lines([r"C:\game\sub\..\a.cpp"]) == {r"C:\game\sub\..\a.cpp": ["here"]}


def test_a_small_bundle_is_one_request() -> None:
    blob = CountingBlob(bundle({f"/src/{n}.cpp": b"line\n" * n for n in range(50)}))
    SourceBundle(blob).lines([f"/src/{n}.cpp" for n in range(50)])
    assert [len(call) for call in blob.calls] == [1]


def test_of_a_large_bundle_the_end_and_what_is_wanted() -> None:
    blob = CountingBlob(bundle({f"/src/{n}.cpp": b"%d\n" % n for n in range(10)}, filler=3_000_000))
    made = SourceBundle(blob)
    assert made.lines(["/src/0.cpp", "/src/8.cpp"]) == {"/src/0.cpp": ["0"], "/src/8.cpp": ["8"]}
    assert [len(call) for call in blob.calls] == [1, 2]
    assert sum(end - start for call in blob.calls for start, end in call) < 1_200_000
    made.lines(["/src/0.cpp"])
    assert len(blob.calls) == 3, "what one crash read is not kept for good"


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(HEAD + b"no zip at all" * 50, id="no zip"),
        pytest.param(bundle({"/a": b"x"})[:-30], id="cut short"),
        pytest.param(bundle({"/a": b"x"}, manifest="[" * 100_000), id="deep manifest"),
        pytest.param(bundle({"/a": b"x"}, manifest="{"), id="broken manifest"),
        pytest.param(HEAD + b"PK\5\6" + bytes(18), id="no manifest"),
    ],
)
def test_what_is_no_bundle_is_refused(data: bytes) -> None:
    with pytest.raises(SymbolFileError, match="source bundle cannot be read"):
        SourceBundle(BytesBlob(data))


@pytest.mark.parametrize("manifest", [[], {}, {"files": []}, {"files": {"a": 1, "b": {"type": "source", "path": 5}}}])
def test_a_manifest_that_names_nothing_has_nothing(manifest: Any) -> None:
    assert SourceBundle(BytesBlob(bundle({"/a": b"x"}, manifest=manifest))).lines(["/a", "a", "b"]) == {}


def test_a_bomb_is_not_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source_bundle, "MAX_MEMBER", 1000)
    made = SourceBundle(BytesBlob(bundle({"/bomb": bytes(1_000_000), "/a": b"x"})))
    assert made.lines(["/a", "/bomb"]) == {"/a": ["x"]}


def test_a_size_that_lies_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source_bundle, "MAX_MEMBER", 1000)
    data = bundle({"/bomb": bytes(1_000_000)}).replace(struct.pack("<I", 1_000_000), struct.pack("<I", 10))
    assert SourceBundle(BytesBlob(data)).lines(["/bomb"]) == {}


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_packings_that_ask_for_much_memory_are_not_unpacked(method: int) -> None:
    with pytest.raises(SymbolFileError):
        SourceBundle(BytesBlob(bundle({"/a": b"x"}, method)))


def test_no_more_is_read_than_a_crash_is_worth(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source_bundle, "MAX_READ", 500_000)
    noise = random.Random(7).randbytes(600_000)
    data = bundle({"/large": noise, "/pad": bytes(10)}, filler=3_000_000)
    blob = CountingBlob(data)
    made = SourceBundle(blob)
    assert made.lines(["/large"]) == {}
    assert len(blob.calls) == 1
    assert made.lines(["/pad"]) == {"/pad": ["\0" * 10]}


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_damaged_bytes_are_refused_or_leave_something_out(data: st.DataObject) -> None:
    good = bytearray(bundle({"/a.cpp": b"one\ntwo\n" * 20, "/b.cpp": b"three\n"}))
    for _ in range(data.draw(st.integers(1, 4))):
        good[data.draw(st.integers(0, len(good) - 1))] = data.draw(st.integers(0, 255))
    try:
        found = SourceBundle(BytesBlob(bytes(good))).lines(["/a.cpp", "/b.cpp"])
    except SymbolFileError:
        return
    assert set(found) <= {"/a.cpp", "/b.cpp"}
