"""LZX against the packers and unpackers of others."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from cairn.symbols.sources.lzx import LzxDecoder
from tests.contract.debian import NotFetchedError, Program, program_of
from tests.contract.help_file import HelpFile, help_file
from tests.symbols.sources.lzx_packer import lzx_cabinet
from tests.symbols.sources.test_lzx import CALLS, CONTENTS, KINDS

CONTENT_SHA256 = "4afd741a22e416c6bdfd991bc4ea8f7f96a3ad6ac8a3175fdc381573de108b0c"
"""Of 13,941,489 bytes; libmspack 0.11 gives the same for the 400 pages that were compared by hand."""


@pytest.mark.timeout(300)  # fetches 7 MB
def test_what_microsofts_packer_has_packed_comes_out() -> None:
    file = HelpFile(help_file())
    content = bytearray()
    for frame in file.frames():
        if frame.is_first:
            decoder = LzxDecoder(file.window_bits)
        content += decoder.frame(frame.data, frame.size)
    pages = {name: content[place : place + size] for name, (section, place, size) in file.entries.items() if section}
    assert len(pages) > 6000
    pictures = [page[:3] for name, page in pages.items() if name.endswith(".gif")]
    assert pictures and set(map(bytes, pictures)) == {b"GIF"}
    assert hashlib.sha256(content).hexdigest() == CONTENT_SHA256


@pytest.fixture(scope="module")
def cabextract() -> Program:
    try:
        return program_of("cabextract", "cabextract")
    except NotFetchedError as error:
        pytest.skip(str(error))


@pytest.mark.parametrize("kinds", KINDS)
@pytest.mark.parametrize("content", CONTENTS)
def test_what_the_packer_of_our_tests_packs_is_lzx(
    cabextract: Program, tmp_path: Path, content: str, kinds: str
) -> None:
    for number, (window, block) in enumerate(((15, 20_001), (21, 70_000))):
        made = lzx_cabinet(CONTENTS[content], KINDS[kinds], block, window, 300_000 if content == "calls" else 0)
        assert read(cabextract, tmp_path / f"{number}.cab", made) == CONTENTS[content]


def test_others_make_addresses_relative_too(cabextract: Program, tmp_path: Path) -> None:
    assert read(cabextract, tmp_path / "calls.cab", lzx_cabinet(CALLS, program=200_000)) == CALLS


def read(cabextract: Program, path: Path, cab: bytes) -> bytes:
    path.write_bytes(cab)
    folder = path.with_suffix("")
    done = cabextract.run("--quiet", "--directory", folder, path)
    assert done.returncode == 0, done
    return (folder / "game.pdb").read_bytes()
