from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cairn.symbols.arriving import archive as archive_module
from cairn.symbols.arriving.archive import Archive, ArchiveLimits, Unpacked, is_archive
from cairn.symbols.errors import DebugFileTooLargeError, MalformedDebugFileError
from tests.symbols.programs import PORTABLE_PDB, SYM


def packed(folder: Path, files: Mapping[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> Path:
    path = folder / "files.zip"
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def contents(path: Path, limits: ArchiveLimits | None = None) -> tuple[dict[str, bytes], dict[str, str]]:
    """What is taken out of an archive, and what is refused."""
    taken, refused = {}, {}
    folder = path.parent / "unpacked"
    folder.mkdir(exist_ok=True)
    with Archive(path, limits) as archive:
        for found in archive.debug_files(folder):
            if isinstance(found, Unpacked):
                assert found.path.parent == folder
                taken[found.name] = found.path.read_bytes()
            else:
                refused[found.name] = found.reason
    return taken, refused


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_debug_files_are_taken_and_others_passed_over(method: int, tmp_path: Path) -> None:
    bundle = b"SYSB\2\0\0\0PK"
    files = {
        "build/game.dSYM/": b"",
        "build/game.dSYM/Contents/Resources/DWARF/game": b"\xcf\xfa\xed\xfe" + bytes(60),
        "build\\game.pdb": b"Microsoft C/C++ MSF 7.00\r\n",
        "lamp.pdb": PORTABLE_PDB.read_bytes(),
        "game.sym": SYM,
        "game.src.zip": bundle,
        "Game.class": b"\xca\xfe\xba\xbe\0\0\0\x34" + bytes(20),
        "library.jar": b"PK\x03\x04" + bytes(40),
        "README.md": b"# a build\n",
        "empty": b"",
    }
    path = packed(tmp_path, files, method)
    assert is_archive(path)
    taken, refused = contents(path)
    assert sorted(taken) == ["game", "game.pdb", "game.src.zip", "game.sym", "lamp.pdb"]
    assert (taken["game.sym"], taken["lamp.pdb"], taken["game.src.zip"]) == (SYM, PORTABLE_PDB.read_bytes(), bundle)
    assert refused == {}


@pytest.mark.parametrize(
    ("name", "own"),
    [
        ("../../etc/cron.d/game.sym", "game.sym"),
        ("/game.sym", "game.sym"),
        ("C:\\build\\..\\game.sym", "game.sym"),
        ("..", ".."),
        ("a/\x1b[2J.sym", "_[2J.sym"),
        ("n" * 300 + ".sym", "n" * 196 + ".sym"),
    ],
)
def test_a_name_leads_nowhere(name: str, own: str, tmp_path: Path) -> None:
    taken, _ = contents(packed(tmp_path, {name: SYM}))
    assert taken == {own: SYM}
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["files.zip", "unpacked", "unpacked"]


def test_a_file_without_a_name_is_taken_too(tmp_path: Path) -> None:
    path = tmp_path / "files.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(zipfile.ZipInfo(""), SYM)
        archive.writestr("game.sym", SYM)
    assert contents(path) == ({"file": SYM, "game.sym": SYM}, {})


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_other_ways_of_packing_are_refused_by_name(method: int, tmp_path: Path) -> None:
    path = packed(tmp_path, {"game.sym": SYM})
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("other.sym", SYM, method)
    taken, refused = contents(path)
    assert sorted(taken) == ["game.sym"]
    assert list(refused) == ["other.sym"]
    assert "pack it with deflate" in refused["other.sym"]


def test_an_archive_in_an_archive_is_refused(tmp_path: Path) -> None:
    inner = packed(tmp_path, {"game.sym": SYM}).read_bytes()
    taken, refused = contents(packed(tmp_path, {"symbols/inner.ZIP": inner, "other.sym": SYM}))
    assert sorted(taken) == ["other.sym"]
    assert "archive in an archive" in refused["symbols/inner.ZIP"]


def test_an_encrypted_file_is_refused(tmp_path: Path) -> None:
    path = packed(tmp_path, {"secret.sym": SYM, "game.sym": SYM})
    content = bytearray(path.read_bytes())
    directory = content.index(b"PK\x01\x02")
    content[directory + 8] |= 1
    path.write_bytes(content)
    taken, refused = contents(path)
    assert (sorted(taken), refused) == (["game.sym"], {"secret.sym": "it is encrypted"})


def test_a_damaged_file_does_not_take_the_others_with_it(tmp_path: Path) -> None:
    path = packed(tmp_path, {"bad.sym": SYM, "game.sym": SYM}, zipfile.ZIP_STORED)
    content = bytearray(path.read_bytes())
    content[content.index(b"alpha(int)")] ^= 1
    path.write_bytes(content)
    taken, refused = contents(path)
    assert sorted(taken) == ["game.sym"]
    assert "damaged" in refused["bad.sym"] and "CRC" in refused["bad.sym"]


@pytest.mark.parametrize(
    ("limits", "reason"),
    [
        (ArchiveLimits(size=len(SYM)), f"more than the {len(SYM)} that a debug file may have"),
        (ArchiveLimits(total=len(SYM) * 2), f"unpack to more than {len(SYM) * 2} bytes"),
        (ArchiveLimits(debug_files=1), "1 debug files of the archive come before it"),
    ],
    ids=["one", "all", "many"],
)
def test_what_is_too_much_is_refused_by_name(limits: ArchiveLimits, reason: str, tmp_path: Path) -> None:
    taken, refused = contents(packed(tmp_path, {"a.sym": SYM, "b.sym": SYM + b"\n" * len(SYM)}), limits)
    assert sorted(taken) == ["a.sym"]
    assert list(refused) == ["b.sym"]
    assert reason in refused["b.sym"]


def test_a_bomb_is_refused_without_unpacking_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive_module, "SMALL", 1024 * 1024)
    taken, refused = contents(packed(tmp_path, {"bomb.sym": SYM + bytes(4 * 1024 * 1024), "game.sym": SYM}))
    assert sorted(taken) == ["game.sym"]
    assert refused == {"bomb.sym": "it would grow to more than 200 times its packed size"}


def test_files_that_lie_about_their_size_give_no_more_than_they_say(tmp_path: Path) -> None:
    path = packed(tmp_path, {"game.sym": SYM + bytes(1024 * 1024)})
    content = bytearray(path.read_bytes())
    directory = content.index(b"PK\x01\x02")
    struct.pack_into("<I", content, directory + 24, 600)
    path.write_bytes(content)
    taken, refused = contents(path)
    assert taken == {}
    assert "CRC" in refused["game.sym"]


def test_too_many_files_are_too_many(tmp_path: Path) -> None:
    path = packed(tmp_path, {f"{number}.txt": b"" for number in range(5)})
    with pytest.raises(DebugFileTooLargeError, match="holds 5 files, more than the 4"):
        Archive(path, ArchiveLimits(files=4))


def test_a_directory_beyond_measure_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive_module, "MAX_DIRECTORY", 4096)
    path = packed(tmp_path, {f"{number}.txt": b"" for number in range(100)})
    with pytest.raises(MalformedDebugFileError, match="directory has more than 4096 bytes"):
        Archive(path)


def test_zip64_is_read(tmp_path: Path) -> None:
    path = tmp_path / "files.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("a.sym", "w", force_zip64=True) as a:
        a.write(SYM)
    assert b"PK\x03\x04\x2d" in path.read_bytes()  # version needed: 4.5
    assert contents(path)[0] == {"a.sym": SYM}


def test_an_archive_that_came_as_a_stream_is_read(tmp_path: Path) -> None:
    """Sizes and checksums are behind the files then, as ``zip -`` writes them."""

    class Pipe(io.BytesIO):
        def seekable(self) -> bool:
            return False

        def tell(self) -> int:
            raise OSError

    pipe = Pipe()
    with zipfile.ZipFile(pipe, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.sym", SYM)
    path = tmp_path / "files.zip"
    path.write_bytes(pipe.getvalue())
    assert contents(path)[0] == {"a.sym": SYM}


def test_a_cut_archive_is_malformed(tmp_path: Path) -> None:
    path = packed(tmp_path, {"game.sym": SYM})
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(MalformedDebugFileError, match="damaged or cut short"):
        Archive(path)


@given(st.binary(max_size=400), st.integers(0, 200), st.booleans())
def test_any_bytes_end_well(noise: bytes, at: int, behind: bool) -> None:
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("game.sym", SYM)
    content = whole.getvalue()
    at = len(content) - at if behind else at
    folder = Path(__file__).parent
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(archive_module, "_BoundedFile", lambda _: io.BytesIO(content[:at] + noise + content[at:]))
        try:
            with Archive(folder / "unused") as opened:
                found = [opened._pieces(info, 1024) for info in opened._infos]
                for pieces in found:
                    list(pieces)
        except MalformedDebugFileError:
            pass
