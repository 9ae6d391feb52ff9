"""A store that another program wrote is one in which Cairn finds files: the `symstore` of PyPI, used as it is."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from uuid import UUID

import pytest

from cairn.symbols.compiling.compile import identify
from cairn.symbols.sources.layouts import paths
from cairn.symbols.sources.records import FileType, Layout, ModuleFormat, SourceModule
from tests.symbols.unwind_data.windows_programs import carried_programs
from tests.synth.pdb import pdb

SYMSTORE = Path(sys.executable).parent / "symstore"


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    """A program by Microsoft's compiler, and a PDB."""
    program, debug_file = tmp_path / "Game.exe", tmp_path / "Game.pdb"
    shutil.copy(carried_programs("64")[0], program)
    debug_file.write_bytes(pdb(UUID("3249d99d-0c40-4931-8610-f4e4fb0b6936"), 0x1B))
    return program, debug_file


def test_files_are_where_symstore_puts_them(tmp_path: Path, files: tuple[Path, Path]) -> None:
    store = tmp_path / "store"
    subprocess.run([sys.executable, SYMSTORE, store, *files], check=True, capture_output=True)
    found = identify(files)
    assert not isinstance(found[0], Exception) and not isinstance(found[1], Exception)
    module = SourceModule(ModuleFormat.PE, "C:\\Game.exe", "D:\\Game.pdb", found[0][0][1], found[1][0][0])
    for kind, file in zip((FileType.PE, FileType.PDB), files, strict=True):
        plain, packed = paths(module, kind, Layout.SYMSTORE)
        assert (store / plain).read_bytes() == file.read_bytes()
        assert packed == plain[:-1] + "_"
