"""Reading a program's own file by the addresses it is loaded at."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from cairn.symbols.choose import best_for_code
from cairn.symbols.local.folder import LocalSymbols
from cairn.symbols.ranges.blob import BytesBlob
from cairn.symbols.records import Segment
from cairn.symbols.symbol_file.program_code import BLOCK, KEPT_BLOCKS, ProgramCode
from tests.symbols.programs import SYM, SYM_DEBUG_ID, build

CONTENT = bytes(number * 7 % 251 for number in range(3 * BLOCK + 100))
CODE = Segment(0x1000, 2 * BLOCK, 500, True)
DATA = Segment(0x9000 + 2 * BLOCK, 60, len(CONTENT) - 60, False)


class Counting(BytesBlob):
    """A file that notes what is read of it."""

    def __init__(self, data: bytes) -> None:
        super().__init__(data)
        self.asked: list[tuple[int, int]] = []

    def read(self, ranges: Sequence[tuple[int, int]]) -> list[bytes]:
        self.asked += ranges
        return super().read(ranges)


def test_bytes_by_address() -> None:
    code = ProgramCode((CODE, DATA), lambda: BytesBlob(CONTENT))
    assert code.read(0x1000, 16) == CONTENT[500:516]
    assert code.read(0x1000 + BLOCK - 505, 16) == CONTENT[BLOCK - 5 : BLOCK + 11]
    assert code.read(DATA.address + 50, 16) == CONTENT[-10:]
    for nowhere in (0xFFF, 0x1000 + CODE.size, -1, 1 << 40):
        assert code.read(nowhere, 16) is None


def test_a_block_is_read_once_and_only_when_asked() -> None:
    opened: list[Counting] = []
    file = Counting(CONTENT)

    def open_file() -> Counting:
        opened.append(file)
        return file

    code = ProgramCode((CODE,), open_file)
    assert opened == []
    for offset in (0x1000, 0x1100, 0x1000 + 300):
        code.read(offset, 16)
    assert (opened, file.asked, code.reads) == ([file], [(0, BLOCK)], 1)
    assert KEPT_BLOCKS * BLOCK <= 1 << 20


def test_without_code_it_is_false() -> None:
    assert ProgramCode((CODE,), lambda: None)
    assert not ProgramCode((DATA,), lambda: None)
    assert not ProgramCode((), lambda: None)


def test_a_file_that_is_gone_or_shorter_gives_nothing() -> None:
    assert ProgramCode((CODE,), lambda: None).read(0x1000, 16) is None
    cut = ProgramCode((CODE,), lambda: BytesBlob(CONTENT[:BLOCK]))
    assert cut.read(0x1000 + BLOCK, 16) is None
    assert cut.read(0x1000 + BLOCK - 505, 16) is None


def test_the_code_of_a_file_of_this_machine(tmp_path: Path) -> None:
    program = build(tmp_path, "-O1", "-g")
    symbols = LocalSymbols([program], tmp_path / "cache")
    (ids,) = [found for found in symbols._files if "-" in found]
    for _ in ("compiled", "from the cache"):
        (file,) = LocalSymbols([program], tmp_path / "cache").find(ids, None)
        assert file.code.read(0, 4) == b"\x7fELF"
        assert best_for_code([file]) is file
    (file,) = LocalSymbols([program], tmp_path / "cache").find(ids, None)
    program.unlink()
    assert file.code.read(0, 4) is None


def test_symbol_text_has_no_code(tmp_path: Path) -> None:
    (tmp_path / "a.sym").write_bytes(SYM)
    (file,) = LocalSymbols([tmp_path / "a.sym"], tmp_path / "cache").find(SYM_DEBUG_ID, None)
    assert best_for_code([file]) is None
    assert file.code.read(0x1000, 4) is None
