"""Symbol files that are damaged behind their index: found out in a look-up, never a reason to lose the crash."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from cairn.crash.event import CandidateUse
from cairn.crash.event_images import MOST_CANDIDATES, image
from cairn.crash.process import process
from cairn.crash.records import Crash
from cairn.symbols.compiling.compile import compile_debug_file
from cairn.symbols.ranges.blob import BytesBlob
from cairn.symbols.records import SymbolStatus
from cairn.symbols.symbol_file.reader import SymbolFile
from cairn.unwind.frames import Trust
from tests.crash.symbol_files import Files
from tests.symbols.programs import SYM
from tests.synth.codeview import Pdb70
from tests.synth.minidump import MinidumpBuilder

MODULE = Pdb70("4d9d8f6c-1df4-ef9c-2e9d-7d3c2d6e5b3a", 0)
BASE, STACK = 0x400000, 0x7FFF_0000


def crash(*files: SymbolFile) -> Crash:
    return crash_of(Files(*files))


def crash_of(finder: Files) -> Crash:
    """A crash in ``alpha``, whose caller is ``no_lines``."""
    builder = MinidumpBuilder().module(BASE, 0x10000, "/opt/app", MODULE)
    registers = {"rip": BASE + 0x1000, "rsp": STACK}
    stack = (BASE + 0x1110).to_bytes(8, "little") + bytes(56)
    return process(builder.thread(1, registers, (STACK, stack)).exception(1, 11, 1, 0).build(), finder)


def symbols(folder: Path, text: bytes = SYM) -> bytes:
    source = folder / "app.sym"
    source.write_bytes(text)
    (one,) = compile_debug_file(source, folder)
    return one.path.read_bytes()


def whole(folder: Path, origin: str = "whole") -> SymbolFile:
    return SymbolFile.open(BytesBlob(symbols(folder)), origin=origin)


def damaged(folder: Path) -> SymbolFile:
    """The same with other bytes in its pieces, which lie between the magic and the index."""
    data = bytearray(symbols(folder))
    index = len(data) - 16 - int.from_bytes(data[-16:-12], "little")
    data[8:index] = bytes(index - 8)
    return SymbolFile.open(BytesBlob(bytes(data)), origin="damaged")


def test_a_damaged_file_is_said_and_the_stack_is_guessed(tmp_path: Path) -> None:
    found = crash(damaged(tmp_path))
    (loaded,) = found.modules
    assert loaded.symbols.debug_status is loaded.symbols.unwind_status is SymbolStatus.MALFORMED
    assert "damaged" in (loaded.symbols.reason or "")
    assert [named.frame.trust for named in found.stacks[0].frames] == [Trust.CONTEXT, Trust.SCAN]
    assert not any(named.calls for named in found.stacks[0].frames)


def test_another_file_of_the_module_stands_in(tmp_path: Path) -> None:
    found = crash(damaged(tmp_path), whole(tmp_path))
    (loaded,) = found.modules
    assert loaded.symbols.debug_status is loaded.symbols.unwind_status is SymbolStatus.FOUND
    assert [named.frame.trust for named in found.stacks[0].frames] == [Trust.CONTEXT, Trust.CFI]
    assert [named.calls[0].function for named in found.stacks[0].frames] == ["alpha(int)", "no_lines"]
    assert [(file.location, file.names, file.unwinding) for file in loaded.symbols.files] == [
        ("whole", SymbolStatus.FOUND, SymbolStatus.FOUND),
        ("damaged", SymbolStatus.MALFORMED, SymbolStatus.MALFORMED),
    ]
    (shown, broken) = image(loaded, found.dump.system).candidates or ()
    assert (shown.debug, shown.unwind) == (CandidateUse(status="ok"), CandidateUse(status="ok"))
    assert broken.debug and broken.debug.status == "malformed" and "damaged" in str(broken.debug.details)


def only(folder: Path, kinds: tuple[bytes, ...], origin: str) -> SymbolFile:
    """The same with some kinds of lines and no others."""
    text = b"".join(line for line in SYM.splitlines(keepends=True) if line.startswith((b"MODULE", b"INFO", *kinds)))
    return SymbolFile.open(BytesBlob(symbols(folder, text)), origin=origin)


def test_a_stripped_program_is_found_for_unwinding_and_lacks_names(tmp_path: Path) -> None:
    found = crash(only(tmp_path, (b"STACK",), "debug-files/ab/stripped"))
    (loaded,) = found.modules
    assert (loaded.symbols.debug_status, loaded.symbols.unwind_status) == (SymbolStatus.MISSING, SymbolStatus.FOUND)
    assert loaded.symbols.reason == "stripped has no names and no lines: look for another file of the build"
    (candidate,) = image(loaded, found.dump.system).candidates or ()
    assert (candidate.debug, candidate.unwind) == (None, CandidateUse(status="ok"))


def test_names_alone_lack_unwinding(tmp_path: Path) -> None:
    (loaded,) = crash(only(tmp_path, (b"FILE", b"FUNC", b"1"), "app.pdb")).modules
    assert (loaded.symbols.debug_status, loaded.symbols.unwind_status) == (SymbolStatus.FOUND, SymbolStatus.MISSING)
    assert loaded.symbols.reason == "app.pdb has no unwind information: look for another file of the build"


def test_two_files_that_do_all_between_them_lack_nothing(tmp_path: Path) -> None:
    stripped, companion = only(tmp_path, (b"STACK",), "stripped"), only(tmp_path, (b"FILE", b"FUNC", b"1"), "debug")
    (loaded,) = crash(stripped, companion).modules
    assert loaded.symbols.debug_status is loaded.symbols.unwind_status is SymbolStatus.FOUND
    assert loaded.symbols.reason is None


def test_an_event_does_not_name_the_only_file_of_a_module(tmp_path: Path) -> None:
    found = crash(whole(tmp_path))
    assert image(found.modules[0], found.dump.system).candidates is None


def test_an_event_names_few_of_very_many_files_and_those_that_served(tmp_path: Path) -> None:
    others = [replaced(tmp_path / str(number), b"FUNC 9000 1 0 other") for number in range(MOST_CANDIDATES + 3)]
    found = crash(*others, whole(tmp_path))
    candidates = image(found.modules[0], found.dump.system).candidates or ()
    assert len(candidates) == MOST_CANDIDATES
    assert [one.location for one in candidates if one.debug and one.unwind] == ["whole"]
    assert candidates[0].location == "whole"
    assert candidates[1].debug is candidates[1].unwind is None


def replaced(folder: Path, records: bytes) -> SymbolFile:
    """A file of the same module with a symbol and nothing else."""
    folder.mkdir()
    module = next(line for line in SYM.splitlines() if line.startswith(b"MODULE"))
    data = symbols(folder, module + b"\n" + records + b"\n")
    return SymbolFile.open(BytesBlob(data), origin=folder.name)


class FarFiles(Files):
    """The same over a network: counts what runs side by side."""

    def __init__(self, *files: SymbolFile) -> None:
        super().__init__(*files)
        self.batches: list[int] = []

    def side_by_side(self, tasks: Sequence[Callable[[], object]]) -> None:
        self.batches.append(len(tasks))
        for task in tasks:
            task()


def test_what_all_threads_miss_is_fetched_together(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    other = SYM.replace(b"4D9D8F6C", b"5D9D8F6C")
    files = FarFiles(whole(tmp_path), SymbolFile.open(BytesBlob(symbols(tmp_path / "other", other))))
    builder = MinidumpBuilder().module(BASE, 0x10000, "/opt/app", MODULE)
    builder.module(BASE + 0x10000, 0x10000, "/opt/other", Pdb70("5d9d8f6c-1df4-ef9c-2e9d-7d3c2d6e5b3a", 0))
    stack = (BASE + 0x1110).to_bytes(8, "little") + bytes(56)
    for number in range(2):
        place = STACK + 0x1000 * number
        builder.thread(number, {"rip": BASE + 0x10000 * number + 0x1000, "rsp": place}, (place, stack))
    found = process(builder.build(), files)
    assert [[named.calls[0].function for named in one.frames] for one in found.stacks] == [
        ["alpha(int)", "no_lines"]
    ] * 2
    assert files.batches == [2, 2, 1, 2]  # opening; rules of both; rules of the caller; names of both


def test_what_is_damaged_shows_after_the_batch(tmp_path: Path) -> None:
    found = crash_of(FarFiles(damaged(tmp_path), whole(tmp_path)))
    assert [named.calls[0].function for named in found.stacks[0].frames] == ["alpha(int)", "no_lines"]
