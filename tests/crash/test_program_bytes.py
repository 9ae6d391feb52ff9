"""Code and throw information from the modules' own files, for dumps that hold neither."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from cairn.crash.analysis.records import Access, CppException, PointerKind
from cairn.crash.explain import explain
from cairn.crash.facts import analyse
from cairn.crash.process import process
from cairn.crash.program_bytes import MAX_READS, ProgramBytes
from cairn.crash.symbolication import Found, Symbolicator
from cairn.minidump.records import Module, Os
from cairn.symbols.ranges.blob import BytesBlob
from cairn.symbols.records import Features, Segment
from cairn.symbols.symbol_file.index import Description
from cairn.symbols.symbol_file.program_code import BLOCK
from cairn.symbols.symbol_file.reader import SymbolFile
from cairn.symbols.symbol_file.writer import SymbolFileWriter
from tests.crash.analysis.test_cpp_exception import EXPECTED, IMAGE_64, MAGIC, OBJECT, THROW, image
from tests.crash.crashes import CODE, crash
from tests.crash.symbol_files import SAMPLE, Files, compiled

MOV_TO_RAX_PLUS_16 = bytes.fromhex("48c7401000000000")
GAME = Module(IMAGE_64, 1 << 30, "game.exe", debug_id="game")


def program(folder: Path, content: bytes, *segments: Segment) -> SymbolFile:
    """A symbol file without names, of a program whose file has this content."""
    path = folder / "game.symbols"
    with SymbolFileWriter(path) as writer:
        writer.finish(Description("game", None, "x86_64", "exe", "pe", "game.exe", Features(), segments), [])
    return SymbolFile.open(BytesBlob(path.read_bytes()), lambda: BytesBlob(content))


def bytes_of(*modules: Module, files: Iterable[SymbolFile]) -> ProgramBytes:
    return ProgramBytes(modules, Symbolicator(Files(*files)))


def test_the_instruction_of_a_crashpad_dump(tmp_path: Path) -> None:
    found = process((SAMPLE / "lighthouse.dmp").read_bytes(), Files(*compiled(tmp_path, SAMPLE / "lighthouse")))
    assert found.facts.instruction is not None
    assert found.facts.instruction.text == "mov dword ptr [rax + 0x10], ebp"
    assert found.facts.access is Access.WRITE
    assert found.facts.pointer is not None
    assert (found.facts.pointer.kind, found.facts.pointer.register) == (PointerKind.NULL, "rax")
    assert found.facts.inconsistencies == ()
    assert found.reason is not None
    assert explain(found.reason, found.facts) == "wrote to 0x10: a null pointer plus 16 bytes"


def test_code_in_the_dump_goes_first(tmp_path: Path) -> None:
    file = program(tmp_path, bytes(32), Segment(0x1000, 32, 0, True))
    module = Module(CODE - 0x1000, 0x2000, "game.exe", debug_id="game")
    read = bytes_of(module, files=[file])
    facts = analyse(crash(MOV_TO_RAX_PLUS_16.hex(), address=0x10, rax=0), read)
    assert facts.pointer is not None
    assert file.code.reads == 0


def test_throw_information_from_the_file(tmp_path: Path) -> None:
    file = program(tmp_path, image(IMAGE_64, IMAGE_64), Segment(0, 0x1000, 0, False), Segment(0x2000, 1, 0, True))
    parameters = (MAGIC, OBJECT, IMAGE_64 + THROW, IMAGE_64)
    dump = crash(os=Os.WINDOWS, exception=(0xE06D7363, 1), parameters=parameters)
    assert analyse(dump, bytes_of(GAME, files=[file])).cpp_exception == CppException(EXPECTED)
    assert file.code.reads == 1
    assert analyse(dump, bytes_of(GAME, files=[])).cpp_exception is None


def test_a_crash_reads_only_so_much(tmp_path: Path) -> None:
    content = b"x" * (64 * BLOCK)
    file = program(tmp_path, content, Segment(0, len(content), 0, True))
    read = bytes_of(GAME, files=[file])
    answers = [read(IMAGE_64 + number * BLOCK, 4) for number in range(64)]
    assert answers == [b"xxxx"] * MAX_READS + [None] * (64 - MAX_READS)
    assert file.code.reads == MAX_READS


def test_a_companion_is_passed_over_for_the_program(tmp_path: Path) -> None:
    companion = program(tmp_path, b"no code", Segment(0, 7, 0, False))
    owner = program(tmp_path, b"code", Segment(0, 4, 0, True))
    assert bytes_of(GAME, files=[companion, owner])(IMAGE_64, 16) == b"code"
    assert bytes_of(GAME, files=[companion])(IMAGE_64, 16) is None


def test_outside_of_modules_there_is_nothing(tmp_path: Path) -> None:
    read = bytes_of(GAME, files=[program(tmp_path, b"code", Segment(0, 4, 0, True))])
    assert [read(address, 4) for address in (0, IMAGE_64 - 1, GAME.end, 1 << 64)] == [None] * 4


def test_a_module_without_symbols_has_no_code() -> None:
    class Nothing:
        def expect(self, ids: Iterable[tuple[str | None, str | None]]) -> None: ...

        def find(self, debug_id: str | None, code_id: str | None) -> Found:
            return Found()

    assert Symbolicator(Nothing()).code(GAME) is None
