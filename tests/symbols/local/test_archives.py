"""Zip archives among the symbols that a person names: what is in them is found, and unpacked when it is needed."""

from __future__ import annotations

import subprocess
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest

from cairn.symbols.arriving import archive as archive_module
from cairn.symbols.arriving import archive_contents
from cairn.symbols.arriving.debug_file_ids import elf_debug_id
from cairn.symbols.formats.elf import Elf
from cairn.symbols.local import known_files
from cairn.symbols.local.folder import LocalSymbols
from cairn.symbols.local.source_folder import LocalSources
from cairn.symbols.ranges.spans import Allowance
from tests.symbols.programs import SYM, SYM_DEBUG_ID, build
from tests.symbols.source_code.source_bundles import SAMPLE_ID, sample_bundle

OTHER_ID = "5d9d8f6c-1df4-ef9c-2e9d-7d3c2d6e5b3a"
OTHER = SYM.replace(b"4D9D8F6C1DF4EF9C2E9D7D3C2D6E5B3A0", b"5D9D8F6C1DF4EF9C2E9D7D3C2D6E5B3A0")


def packed(path: Path, files: Mapping[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def unpacked(cache: Path) -> list[str]:
    """The debug files that lie in the cache."""
    return sorted(path.name for path in (cache / "archives").rglob("*") if path.is_file() and path.suffix != ".json")


def test_files_of_one_name_are_told_apart_and_unpacked_when_needed(tmp_path: Path) -> None:
    path = packed(tmp_path / "symbols.zip", {"1/my app.sym": SYM, "2/my app.sym": OTHER, "README": b"hello"})
    cache = tmp_path / "cache"
    symbols = LocalSymbols([path], cache)
    assert symbols.find("f" * 32, None) == ()
    assert unpacked(cache) == []
    (file,) = symbols.find(OTHER_ID, None)
    assert file.locate([0x1000])[0x1000][0].function == "alpha(int)"
    assert file.origin == f"{path}/2/my app.sym"
    assert unpacked(cache) == ["my app.sym"]
    assert len(symbols.find(SYM_DEBUG_ID, None)) == 1
    assert symbols.problems == []


def test_an_archive_is_looked_into_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(known_files, "SETTLED", -1)
    path = packed(tmp_path / "symbols.zip", {"my app.sym": SYM, "inner.zip": b"PK\x03\x04 and so on"})
    first = LocalSymbols([path], tmp_path / "cache")
    assert first.find(SYM_DEBUG_ID, None)
    monkeypatch.setattr(archive_contents, "look_into", None)
    monkeypatch.setattr(archive_contents, "unpack", None)
    moved = path.rename(tmp_path / "moved.zip")
    again = LocalSymbols([moved], tmp_path / "cache")
    (file,) = again.find(SYM_DEBUG_ID, None)
    assert file.origin == f"{moved}/my app.sym"
    assert first.problems == [f"{path}: inner.zip: {ARCHIVE_IN_ARCHIVE}"]
    assert again.problems == [f"{moved}: inner.zip: {ARCHIVE_IN_ARCHIVE}"]


ARCHIVE_IN_ARCHIVE = "an archive in an archive is not opened: unpack it, and pack what is in it"


def test_what_cannot_be_had_costs_only_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive_module, "SMALL", 1024)
    folder = tmp_path / "build"
    files = {"bad.sym": OTHER, "bad.exe": b"MZ" + bytes(100), "bomb.sym": SYM + bytes(2**20), "good.sym": SYM}
    path = packed(folder / "a" / "SYMBOLS.ZIP", files)
    content = bytearray(path.read_bytes())
    content[content.index(b"bad.sym") + 60] ^= 1
    path.write_bytes(content)
    (folder / "cut.zip").write_bytes(content[:-40])
    packed(folder / "not-called-so.bin", {"other.sym": OTHER})
    symbols = LocalSymbols([folder], tmp_path / "cache")
    assert len(symbols.find(SYM_DEBUG_ID, None)) == 1
    assert symbols.find(OTHER_ID, None) == ()
    said = sorted(symbols.problems)
    assert len(said) == 4
    for problem, words in zip(
        said, [("bad.exe",), ("bad.sym", "damaged"), ("bomb.sym", "200 times"), ("cut",)], strict=True
    ):
        assert all(word in problem for word in words), said


def test_an_archive_that_is_named_may_be_called_anything(tmp_path: Path) -> None:
    path = packed(tmp_path / "game.apk", {"lib/my app.sym": SYM})
    assert len(LocalSymbols([path], tmp_path / "cache").find(SYM_DEBUG_ID, None)) == 1


@pytest.mark.parametrize("name", ["..", "/etc/passwd", "n" * 300, "ü" * 190])
def test_a_name_leads_nowhere(name: str, tmp_path: Path) -> None:
    path = packed(tmp_path / "symbols.zip", {name: SYM})
    cache = tmp_path / "cache"
    assert len(LocalSymbols([path], cache).find(SYM_DEBUG_ID, None)) == 1
    assert len(unpacked(cache)) == 1
    assert sorted(tmp_path.iterdir()) == [cache, path]


def test_a_program_in_an_archive_gives_its_code_and_pairs_its_companion(tmp_path: Path) -> None:
    source = tmp_path / "build"
    source.mkdir()
    program, companion = build(source, "-g", "-Wl,--build-id=none"), source / "program.debug"
    subprocess.run(["objcopy", "--only-keep-debug", program, companion], check=True)
    subprocess.run(["objcopy", "--strip-all", f"--add-gnu-debuglink={companion}", program], check=True)
    with program.open("rb") as opened:
        text_id = Elf(opened).text_id()
    assert text_id is not None
    path = packed(tmp_path / "build.zip", {"program.debug": companion.read_bytes(), "program": program.read_bytes()})
    for _ in range(2):
        files = LocalSymbols([path], tmp_path / "cache").find(elf_debug_id(text_id.hex()), None)
        assert [(file.description.name, file.features.debug_info) for file in files] == [
            ("program.debug", True),
            ("program", False),
        ]
        assert [bool(file.code) for file in files] == [False, True]


def test_a_damaged_memory_is_made_again(tmp_path: Path) -> None:
    path = packed(tmp_path / "symbols.zip", {"my app.sym": SYM})
    for content in ("", "[]", '{"members": [{}], "problems": []}', '{"members": 1}'):
        for remembered in (tmp_path / "cache/archives").rglob("*.json"):
            remembered.write_text(content)
        assert len(LocalSymbols([path], tmp_path / "cache").find(SYM_DEBUG_ID, None)) == 1


def test_source_bundles_in_archives_are_found(tmp_path: Path) -> None:
    path = packed(tmp_path / "symbols.zip", {"game.src.zip": sample_bundle(), "my app.sym": SYM})
    for _ in range(2):
        sources = LocalSources([path], tmp_path / "cache")
        (candidate,) = sources.find(SAMPLE_ID)
        assert candidate.name == "game.src.zip"
        wanted = "/src/lighthouse/lighthouse.cpp"
        assert list(candidate.open().contents([wanted], Allowance())) == [wanted]
    assert LocalSymbols([path], tmp_path / "cache").find(SAMPLE_ID, None) == ()
