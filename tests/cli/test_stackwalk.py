from __future__ import annotations

import os
import subprocess
import zipfile
from pathlib import Path
from typing import Any

import pytest
from syrupy.assertion import SnapshotAssertion

from cairn.crash.symbolication import DistantFinder
from cairn.symbols.ranges.blob import REQUEST_GAP, FileBlob
from cairn_cli.local_symbols import DistantFolderFinder, FolderFinder
from cairn_cli.main import main
from tests.cli.command import Done, cairn
from tests.crash.symbol_files import SAMPLE
from tests.symbols.source_code.source_bundles import sample_bundle

DUMP = SAMPLE / "lighthouse.dmp"


def stackwalk(cache: Path, *arguments: str | Path) -> Done:
    return cairn("stackwalk", *arguments, environment={**os.environ, "XDG_CACHE_HOME": str(cache)})


def test_the_report_of_the_sample(tmp_path: Path, snapshot: SnapshotAssertion) -> None:
    done = stackwalk(tmp_path, DUMP, "--symbols", SAMPLE)
    assert (done.code, done.err) == (0, "")
    assert done.out == snapshot


def test_the_event_as_cairn_stores_it(tmp_path: Path) -> None:
    event = stackwalk(tmp_path, DUMP, "--symbols", SAMPLE / "lighthouse", "--event").json
    crash = event["exception"]["values"][0]
    assert crash["type"] == "SIGSEGV / SEGV_MAPERR / 0x10"
    assert crash["stacktrace"]["frames"][-1]["function"] == "Lamp::dim_to"


def test_symbols_are_compiled_once(tmp_path: Path) -> None:
    stackwalk(tmp_path, DUMP, "--symbols", SAMPLE)
    kept = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*") if path.is_file()}
    assert kept
    assert "coast::patrol" in stackwalk(tmp_path, DUMP, "--symbols", SAMPLE).out
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*") if path.is_file()} == kept


def test_source_bundles_among_the_symbols_are_shown(tmp_path: Path) -> None:
    build = tmp_path / "build"
    (build / "sources").mkdir(parents=True)
    (build / "lighthouse").write_bytes((SAMPLE / "lighthouse").read_bytes())
    (build / "sources/lighthouse.src.zip").write_bytes(sample_bundle())
    (build / "other.src.zip").write_bytes(sample_bundle("f" * 32))
    (build / "logs.zip").write_bytes(b"PK no bundle")
    lines = (SAMPLE / "lighthouse.cpp").read_text().splitlines()
    for _ in range(2):
        done = stackwalk(tmp_path / "cache", DUMP, "--symbols", build)
        assert (done.code, done.err) == (0, "")
        assert f">    11  {lines[10]}" in done.out
        assert f"      16  {lines[15]}" in done.out
    event = stackwalk(tmp_path / "cache", DUMP, "--symbols", build, "--event").json
    frames = [one for one in event["exception"]["values"][0]["stacktrace"]["frames"] if one.get("lineno")]
    assert [frame["context_line"] for frame in frames] == [lines[frame["lineno"] - 1] for frame in frames]
    assert len(frames) == 6


def test_source_that_would_write_to_the_terminal_does_not(tmp_path: Path) -> None:
    path = tmp_path / "lighthouse.src.zip"
    path.write_bytes(sample_bundle(content=b"\x1b[2J\x07\tint x;\xff\x9b\n" * 60))
    done = stackwalk(tmp_path / "cache", DUMP, "--symbols", SAMPLE, "--symbols", path)
    assert ">    11  \ufffd[2J\ufffd   int x;\ufffd\ufffd\n" in done.out


def test_source_bundles_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    good = sample_bundle()
    (tmp_path / "cut.src.zip").write_bytes(good[:-30])
    (tmp_path / "lying.src.zip").write_bytes(good.replace(b"PK\3\4", b"PK\3\5", 1))
    done = stackwalk(tmp_path / "cache", DUMP, "--symbols", SAMPLE, "--symbols", tmp_path)
    assert done.code == 0
    assert "cut.src.zip: The file is damaged" in done.out
    said = "lying.src.zip: /src/lighthouse/lighthouse.cpp: there is no file where the bundle says"
    assert f"found       b72467fd-1af4-52ed-a50d-2a5285771077  source: {said}" in done.out


def test_an_archive_serves_as_a_folder_does(tmp_path: Path) -> None:
    folder, archive = tmp_path / "builds", tmp_path / "builds/keeper.zip"
    folder.mkdir()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.write(SAMPLE / "lighthouse", "keeper/lighthouse")
        packed.writestr("keeper/lighthouse.src.zip", sample_bundle())
        packed.writestr("keeper/inner.zip", b"PK\3\4 and so on")
    lines = (SAMPLE / "lighthouse.cpp").read_text().splitlines()
    for symbols in (archive, folder):
        done = stackwalk(tmp_path / "cache", DUMP, "--symbols", symbols)
        assert (done.code, done.err) == (0, "")
        assert f">    11  {lines[10]}" in done.out
        assert "instruction mov dword ptr [rax + 0x10], ebp" in done.out
    said = stackwalk(tmp_path / "cache", DUMP, "--symbols", archive, "--json").json
    (module,) = (one for one in said["modules"] if one["filename"] == "lighthouse")
    assert module["cairn"]["names_from"] == f"{archive}/keeper/lighthouse"
    assert any("keeper/inner.zip: an archive in an archive is not opened" in problem for problem in problems_of(said))


def problems_of(said: Any) -> list[str]:
    found: list[str] = said["cairn"]["problems"]
    return found


@pytest.fixture
def split(tmp_path: Path) -> Path:
    """The sample as a distribution has it: the program without names, and its companion, with copies of both."""
    folder = tmp_path / "split"
    folder.mkdir()
    subprocess.run(["strip", "-o", folder / "lighthouse", SAMPLE / "lighthouse"], check=True)
    subprocess.run(["objcopy", "--only-keep-debug", SAMPLE / "lighthouse", folder / "lighthouse.debug"], check=True)
    return folder


def test_which_file_gave_what_is_said(tmp_path: Path, split: Path) -> None:
    program, companion = split / "lighthouse", split / "lighthouse.debug"
    said = stackwalk(tmp_path, DUMP, "--symbols", split)
    assert f"Cairn  names  {companion}\n" in said.out
    assert f"Cairn  unwinding  {program}\n" in said.out

    (module,) = (
        one
        for one in stackwalk(tmp_path, DUMP, "--symbols", split, "--json").json["modules"]
        if one["filename"] == "lighthouse"
    )
    assert (module["cairn"]["names_from"], module["cairn"]["unwinding_from"]) == (str(companion), str(program))
    assert sorted(module["cairn"]["files"]) == [str(program), str(companion)]

    images = stackwalk(tmp_path, DUMP, "--symbols", split, "--event").json["debug_meta"]["images"]
    names, unwinding = next(one for one in images if one["code_file"].endswith("/lighthouse"))["candidates"]
    assert (names["location"], names["debug"], "unwind" in names) == (str(companion), {"status": "ok"}, False)
    assert (unwinding["location"], unwinding["unwind"], "debug" in unwinding) == (str(program), {"status": "ok"}, False)
    assert names["download"]["features"]["has_debug_info"] is True


def test_of_one_file_nothing_more_is_said(tmp_path: Path) -> None:
    assert "Cairn  names" not in stackwalk(tmp_path, DUMP, "--symbols", SAMPLE / "lighthouse").out


def test_a_file_that_was_not_needed_is_said(tmp_path: Path, split: Path) -> None:
    said = stackwalk(tmp_path, DUMP, "--symbols", SAMPLE / "lighthouse", "--symbols", split)
    assert f"Cairn  names, unwinding  {SAMPLE / 'lighthouse'}\n" in said.out
    assert said.out.count("Cairn  not needed  ") == 2


def test_without_symbols_frames_have_module_and_offset(tmp_path: Path) -> None:
    done = stackwalk(tmp_path, DUMP, "--crashed-only")
    assert done.code == 0
    assert "lighthouse+0x1565" in done.out
    assert "cairn upload-debug-files PATH/TO/lighthouse.debug PATH/TO/lighthouse\n" in done.out
    assert done.out.count("Thread") == 1


def test_what_cannot_be_read_is_said_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "no.dmp").write_bytes(b"hello, I am no dump")
    (tmp_path / "empty.dmp").write_bytes(b"")
    for name in ("no.dmp", "empty.dmp", "missing.dmp"):
        done = stackwalk(tmp_path, tmp_path / name)
        assert done.code == 1
        assert name in done.err and len(done.err.splitlines()) <= 2, done.err


def test_missing_symbols_folder_is_said(tmp_path: Path) -> None:
    done = stackwalk(tmp_path, DUMP, "--symbols", tmp_path / "nowhere")
    assert (done.code, "nowhere does not exist" in done.err) == (1, True)


def test_the_reads_are_explained(tmp_path: Path) -> None:
    done = stackwalk(tmp_path, DUMP, "--symbols", SAMPLE / "lighthouse", "--explain-reads")
    assert (done.code, done.err) == (0, "")
    head, *rows, _, price, _ = done.out.splitlines()
    assert head.split() == ["symbol", "file", "for", "GETs", "KB"]
    cells = [row.split() for row in rows]
    assert [cell[:2] for cell in cells] == [
        ["lighthouse", "opening"],
        ["lighthouse", "code"],
        ["total", str(len(rows) - 1)],
    ]
    assert sum(int(cell[-2]) for cell in cells[:-1]) == int(cells[-1][-2])
    assert "$0.80 for GETs" in price


@pytest.mark.parametrize(("form", "gap"), (("--explain-reads", REQUEST_GAP), ("--json", 0)))
def test_only_to_explain_reads_are_they_done_as_from_afar(
    form: str, gap: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gaps = []

    def blob(path: Path, merge_gap: int = 0) -> FileBlob:
        if path.suffix == ".symbols":
            gaps.append(merge_gap)
        return FileBlob(path, merge_gap)

    monkeypatch.setattr("cairn.symbols.local.folder.FileBlob", blob)
    arguments = ["stackwalk", str(DUMP), "--symbols", str(SAMPLE / "lighthouse"), "--cache", str(tmp_path), form]
    assert main(arguments) == 0
    assert gaps == [gap]


def test_to_explain_reads_those_of_all_threads_are_put_together(tmp_path: Path) -> None:
    done: list[int] = []
    finder = DistantFolderFinder((), tmp_path)
    assert isinstance(finder, DistantFinder)
    assert not isinstance(FolderFinder((), tmp_path), DistantFinder)
    finder.side_by_side([lambda number=number: done.append(number) for number in range(3)])  # type: ignore[misc]
    assert done == [0, 1, 2]


def test_without_symbols_there_are_no_reads(tmp_path: Path) -> None:
    done = stackwalk(tmp_path, DUMP, "--explain-reads")
    assert done.code == 0
    assert done.out.splitlines()[1].split() == ["total", "0", "0"]
