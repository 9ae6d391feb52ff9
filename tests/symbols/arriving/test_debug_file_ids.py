"""What a file is by its first bytes."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from cairn.symbols.arriving.debug_file_ids import HEAD, begins_like_debug_file, read_all_ids

MACHO_64, MACHO_BIG = bytes.fromhex("cffaedfe07000001 03000000"), bytes.fromhex("feedface00000012 00000000")


@pytest.mark.parametrize(
    ("head", "is_debug_file"),
    [
        (b"\x7fELF\2\1\1".ljust(16, b"\0") + b"\3\0", True),
        (b"\x7fELF\2\1\1".ljust(16, b"\0") + b"\1\0", False),
        (b"\x7fELF\1\2\1".ljust(16, b"\0") + b"\0\2", True),
        (b"\x7fELF\1\2\1".ljust(16, b"\0") + b"\0\1", False),
        (MACHO_64 + b"\x0a\0\0\0", True),
        (MACHO_64 + b"\1\0\0\0", False),
        (MACHO_BIG + b"\0\0\0\2", True),
        (MACHO_BIG + b"\0\0\0\1", False),
        (b"MODULE Linux x86", True),
        (b"MZ", True),
        (b"", False),
    ],
    ids=["elf", "elf-object", "elf-big", "elf-big-object", "dsym", "macho-object", "macho-big", "macho-big-object",
         "sym", "pe", "empty"],
)  # fmt: skip
def test_object_files_are_no_debug_files(head: bytes, is_debug_file: bool) -> None:
    assert begins_like_debug_file(head[:HEAD]) is is_debug_file


def test_an_object_file_has_no_id_of_its_own(tmp_path: Path) -> None:
    source = tmp_path / "one.c"
    source.write_text("int one(void) { return 1; }")
    for flags in ("-g", "-gsplit-dwarf"):
        subprocess.run(["gcc", flags, "-c", source, "-o", tmp_path / "one.o"], check=True)
    assert dict(read_all_ids([tmp_path / "one.o", tmp_path / "one.dwo"])) == {
        tmp_path / "one.o": [],
        tmp_path / "one.dwo": [],
    }
