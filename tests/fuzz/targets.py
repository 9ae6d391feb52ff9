"""What is fuzzed: functions of bytes that return when all is well, and raise when Cairn breaks a promise.

Each one swallows exactly the errors that its entry documents. What it asserts beyond that is the contract of the
records that come out.
"""

from __future__ import annotations

import io
import json
import tempfile
from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import BinaryIO
from unittest.mock import patch

from cairn.crash.build_client_event import build_client_event
from cairn.crash.build_event import Received, build_event, unreadable_event
from cairn.crash.event import Event
from cairn.crash.process import process
from cairn.crash.records import Crash
from cairn.crash.symbolication import Found
from cairn.intake.limits import EVENT
from cairn.intake.values import json_object
from cairn.minidump.errors import MinidumpError
from cairn.minidump.reader import read
from cairn.minidump.records import Context, Minidump
from cairn.pipeline.accepting.accept import accept
from cairn.pipeline.accepting.intake_stores import Stores
from cairn.privacy.scrub_dump import FILLER, scrub_dump
from cairn.privacy.scrub_event import scrubbed
from cairn.privacy.settings import Privacy
from cairn.symbols.arriving import archive
from cairn.symbols.arriving.archive import NAME_LIMIT, Archive, Refused, Unpacked
from cairn.symbols.arriving.debug_file_ids import HEAD, begins_like_debug_file
from cairn.symbols.compiling.compiler import compile_here
from cairn.symbols.compiling.segments import pe_segments
from cairn.symbols.errors import DebugFileError, MalformedDebugFileError, SymbolFileError
from cairn.symbols.formats.breakpad_text import read_lines
from cairn.symbols.formats.elf import Elf
from cairn.symbols.formats.macho import macho_segments
from cairn.symbols.ranges.blob import BytesBlob
from cairn.symbols.ranges.spans import Allowance
from cairn.symbols.rules import CfiRule
from cairn.symbols.source_code.source_bundle import SourceBundle
from cairn.symbols.source_code.source_text import MAX_LINE
from cairn.symbols.sources.cab import BLOCK, CabError, unpack_cab
from cairn.symbols.symbol_file import reader as symbol_file
from cairn.symbols.symbol_file.reader import SymbolFile
from cairn.symbols.symbol_file.rule_table import RulePiece, rule_pieces
from cairn.symbols.unwind_data.cfi_text import parse_rule, parse_stack_lines
from cairn.unwind.frames import Stack, Trust
from cairn.unwind.limits import MAX_FRAMES
from cairn.unwind.walker import walk_threads
from tests.fuzz import archives
from tests.fuzz.archives import fuzzed_archive
from tests.fuzz.client_events import client_said
from tests.fuzz.decisions import Decisions
from tests.fuzz.dumps import PDB, CrashProgram, DumpProgram
from tests.fuzz.packed_symbols import pack
from tests.fuzz.private_data import PrivateProgram, fuzzed_privacy, private_words
from tests.fuzz.requests import LIMITS, fuzzed_envelope, fuzzed_request
from tests.fuzz.source_bundles import PATHS, SOUND, fuzzed_bundle, spoilt
from tests.fuzz.unwind_rules import FuzzedRules
from tests.intake.clients import NEW_ID, NOW, KeptNotes, KeptUploads, OneProject, send
from tests.symbols.programs import SYM
from tests.symbols.source_code.source_bundles import index_of
from tests.synth.minidump import MinidumpBuilder

OFFSETS = (0, 1, 0x1000, 0x1001, 0x1010, 0x103F, 0x1100, 0x1800, 0x7FFFFFFF, 0xFFFFFFFF, 1 << 32, 1 << 63, -1)
BASE, STACK = 0x40_0000, 0x7FFF_0000
UUID = "00112233445566778899aabbccddeeff"
ANSWERS = {200, 201, 400, 401, 403, 404, 405, 413, 415}


def fuzz_reader(data: bytes) -> None:
    """Any bytes are a dump, or a ``MinidumpError``."""
    try:
        dump = read(data)
    except MinidumpError as error:
        assert error.code
        assert str(error)
        return
    check_dump(dump)


def check_dump(dump: Minidump) -> None:
    """Hold the records to what ``records.py`` promises."""
    assert all(type(problem) is str for problem in dump.problems)
    assert [region.start for region in dump.memory.regions] == sorted(r.start for r in dump.memory.regions)
    contexts = [thread.context for thread in dump.threads]
    contexts.append(dump.exception.context if dump.exception else None)
    for context in contexts:
        check_context(context)
    for number in (dump.process_id, dump.requesting_thread_id):
        assert number is None or number >= 0
    for module in dump.modules:
        assert type(module.name) is str
        assert module.base >= 0
        assert module.size >= 0
        assert module.debug_id != ""
        assert module.code_id != ""


def check_context(context: Context | None) -> None:
    """Registers are unsigned numbers of at most 64 bits."""
    if context is not None:
        assert all(0 <= value < 1 << 64 for value in (context.pc, context.sp, *context.registers.values()))


def fuzz_dump(data: bytes) -> None:
    """The whole path of a dump's bytes: read, walked, analysed, made an event."""
    try:
        crash = process(data, SampleSymbols())
    except MinidumpError as error:
        check_event(unreadable_event(error, received({})))
    else:
        check_event(build_event(crash, received({})))


def fuzz_walker(data: bytes) -> None:
    """A well-formed dump of a senseless process, walked by senseless rules."""
    decide = Decisions(data)
    program = DumpProgram(decide)
    rules = FuzzedRules.make(decide, program.arch)
    for stack in walk_threads(read(program.build()), rules):
        check_stack(stack, program.mask)


def check_stack(stack: Stack, mask: int) -> None:
    """Hold a walk to what ``frames.py`` promises."""
    assert len(stack.frames) <= MAX_FRAMES
    for index, frame in enumerate(stack.frames):
        assert (frame.trust is Trust.CONTEXT) or index
        assert 0 <= frame.pc <= mask
        assert 0 <= frame.sp <= mask
        assert all(0 <= value <= mask for value in frame.registers.values()) or not index
        assert frame.module is None or frame.module.base <= frame.lookup_address < frame.module.end


def fuzz_crash(data: bytes) -> None:
    """A well-formed dump of a senseless crash, analysed and made an event."""
    check_event(build_event(process(CrashProgram(Decisions(data)).build(), SampleSymbols()), received({})))


def fuzz_symbol_file(data: bytes) -> None:
    """Any bytes are a symbol file that answers, or a ``SymbolFileError``; read whole, or in slivers. A crash can be
    processed with it, whatever it says."""
    whole = 64 if data[:1] == b"\2" else symbol_file.WHOLE_FILE
    with patch.multiple(symbol_file, WHOLE_FILE=whole, TAIL=whole):
        try:
            file = SymbolFile.open(BytesBlob(pack(data)))
        except SymbolFileError:
            return
    look_up(file)
    process(deep_crash(), Symbols(file))


def look_up(file: SymbolFile) -> None:
    """Ask a symbol file all there is to ask."""
    for offset in OFFSETS:
        file.has_function(offset)
        try:
            file.rule_at(offset)
            calls = file.locate([offset])[offset]
        except SymbolFileError:
            continue
        assert all(call.line != 0 and type(call.function) is str for call in calls)
        assert all(call.entry is None for call in calls[:-1])


def fuzz_cfi_text(data: bytes) -> None:
    """Rows of any ``STACK`` lines rise, and say the same once they are in a piece."""
    rows = parse_stack_lines(read_lines(io.BytesIO(data)))
    starts = [row.start for row in rows]
    assert starts == sorted(set(starts))
    pieces = list(rule_pieces(rows, rows_per_piece=8))
    tables = [RulePiece(piece.data) for piece in pieces]
    for row in rows:
        number = bisect_right(pieces, row.start, key=lambda piece: piece.start) - 1
        check_row(tables[number].rule_at(row.start), row.rule)


def check_row(found: object, text: str | None) -> None:
    """What a piece answers is the rule of the row, apart from the mark of a function's start."""
    expected = None if text is None else parse_rule(text)
    if isinstance(found, CfiRule) and isinstance(expected, CfiRule):
        assert (found.cfa, found.ra, found.registers) == (expected.cfa, expected.ra, expected.registers)
    else:
        assert found == expected


def fuzz_breakpad_text(data: bytes) -> None:
    """Any Breakpad text becomes a symbol file that answers, or a ``DebugFileError``."""
    with tempfile.TemporaryDirectory(dir=scratch()) as name:
        source = Path(name, "fuzzed.sym")
        source.write_bytes(data)
        try:
            compiled = compile_here(source, Path(name))
        except DebugFileError:
            return
        for one in compiled:
            look_up(SymbolFile.open(BytesBlob(one.path.read_bytes())))


def fuzz_program(data: bytes) -> None:
    """What Cairn reads of programs itself: any bytes give segments and symbols, or a ``MalformedDebugFileError``."""
    readers: list[Callable[[BinaryIO], object]] = [
        lambda file: Elf(file).build_id(),
        lambda file: Elf(file).symbol_ends(),
        lambda file: Elf(file).segments(),
        lambda file: macho_segments(file, UUID),
        lambda file: list(pe_segments(file)),
    ]
    for reader in readers:
        with suppress(MalformedDebugFileError):
            reader(io.BytesIO(data))


def fuzz_intake(data: bytes) -> None:
    """Any request gets an answer of the table; what is kept can be written as JSON."""
    response, upload, _ = send(fuzzed_request(Decisions(data)), LIMITS)
    assert response.status in ANSWERS
    if upload:
        json.dumps(upload.event, allow_nan=False).encode()


def fuzz_envelope(data: bytes) -> None:
    """The same of envelopes and of what else is not a dump's form."""
    uploads, notes = KeptUploads(), KeptNotes()
    stores = Stores(OneProject(), uploads, notes)
    response = accept(fuzzed_envelope(Decisions(data)), stores, LIMITS, lambda: NOW, lambda: NEW_ID)
    assert response.status in ANSWERS
    for upload in uploads.kept:
        json.dumps(upload.event, allow_nan=False).encode()
    for feedback in notes.feedback:
        json.dumps(asdict(feedback), allow_nan=False).encode()


def fuzz_event(data: bytes) -> None:
    """Whatever JSON a client sends, its crash becomes an event that can be stored and read again."""
    document = json.dumps(client_said(Decisions(data)))
    if len(document) > EVENT:  # refused by intake
        return
    said = json_object(document)
    check_event(build_event(plain_crash(), received(said)))
    check_event(unreadable_event(MinidumpError("x"), received(said)))
    check_event(build_client_event(received(said)))


def fuzz_source_bundle(data: bytes) -> None:
    """A bundle is indexed, or a ``DebugFileError``; of its files each gives lines, or is left out and named. One that
    is sound gives its lines, whatever the others say."""
    decide = Decisions(data)
    bundle = fuzzed_bundle(decide)
    if decide.flag():
        check_bundle(bundle, index_of(bundle), is_sound=True)
    else:
        bundle = spoilt(decide, bundle)
        with suppress(DebugFileError):
            check_bundle(bundle, spoilt(decide, index_of(bundle)), is_sound=False)


def check_bundle(bundle: bytes, index: bytes, *, is_sound: bool) -> None:
    """Hold the lines of a bundle to what ``source_bundle.py`` promises."""
    allowance = Allowance()
    wanted = {path: (1, 2, 5, 1 << 40) for path in (*PATHS, SOUND)}
    try:
        opened = SourceBundle(BytesBlob(index), BytesBlob(bundle))
        found = opened.lines(wanted, allowance)
    except SymbolFileError:
        assert not is_sound
        return
    assert min(allowance.requests, allowance.read, allowance.unpacked) >= 0
    for lines in found.lines.values():
        assert set(lines) <= {1, 2, 5}
        assert all(len(line) <= MAX_LINE and "\n" not in line and "\r" not in line for line in lines.values())
    assert not is_sound or found.lines.get(SOUND, {1: "sound"}) == {1: "sound"}


def fuzz_scrub_dump(data: bytes) -> None:
    """Any dump is scrubbed, and once more, and is still the dump of the same threads and modules. Bytes that are no
    dump are scrubbed too."""
    decide = Decisions(data)
    privacy, built = fuzzed_privacy(decide), PrivateProgram(decide).build()
    before = read(built)
    once = check_scrubbed(built, before, privacy)
    after = read(check_scrubbed(once, read(once), privacy))
    assert [module.base for module in after.modules] == [module.base for module in before.modules]
    assert [(t.id, t.context) for t in after.threads] == [(t.id, t.context) for t in before.threads]
    check_scrubbed(data, None, privacy)


def check_scrubbed(data: bytes, dump: Minidump | None, privacy: Privacy) -> bytes:
    """The scrubbed dump: as long as it was, and nothing in it that was not there but fillers."""
    done = scrub_dump(data, dump, privacy).data
    assert all(new in (old, FILLER) for old, new in zip(data, done, strict=True))
    return done


def fuzz_scrub_event(data: bytes) -> None:
    """The event of whatever a client says can be scrubbed, and once more, and is still an event."""
    decide = Decisions(data)
    privacy = fuzzed_privacy(decide)
    document = json.dumps(private_words(decide, client_said(decide)))
    if len(document) > EVENT:  # refused by intake
        return
    said = json_object(document)
    for event in (build_client_event(received(said)), build_event(plain_crash(), received(said))):
        done = scrubbed(event, privacy)
        check_event(done)
        check_event(scrubbed(done, privacy))


def check_event(event: Event) -> None:
    """An event is JSON, and the same event again."""
    assert Event.from_json(event.to_json()) == event


def received(said: Mapping[str, object]) -> Received:
    """An upload whose client said this."""
    return Received(event_id="0" * 32, project=1, received=1_700_000_000.0, event=said)


@cache
def deep_crash() -> bytes:
    """A dump whose stack leads through many places of the sample's module."""
    words = [BASE + offset + 1 for offset in OFFSETS[:8]] * 4
    registers = {"rip": BASE + 0x1000, "rsp": STACK, "rbp": STACK + 64}
    builder = MinidumpBuilder().module(BASE, 0x10000, "/opt/app", PDB).exception(1, 11)
    return builder.thread(1, registers, (STACK, b"".join(word.to_bytes(8, "little") for word in words))).build()


@cache
def plain_crash() -> Crash:
    """A crash with nothing remarkable in it."""
    return process(MinidumpBuilder().thread(1, {}).exception(1, 11).build(), SampleSymbols())


@cache
def scratch() -> str | None:
    """A folder in memory where there is one: a target that writes files runs ten times as fast there."""
    return "/dev/shm" if Path("/dev/shm").is_dir() else None


@cache
def sample_symbols() -> bytes:
    """A small symbol file with names, lines, inlined calls and unwind rules."""
    with tempfile.TemporaryDirectory() as name:
        source = Path(name, "a.sym")
        source.write_bytes(SYM)
        (compiled,) = compile_here(source, Path(name))
        return compiled.path.read_bytes()


class Symbols:
    """A ``SymbolFinder`` that has one symbol file, for the modules with the sample's debug id."""

    def __init__(self, file: SymbolFile) -> None:
        self._file = file

    def expect(self, ids: Iterable[tuple[str | None, str | None]]) -> None:
        list(ids)

    def find(self, debug_id: str | None, code_id: str | None) -> Found:
        return Found((self._file,)) if debug_id == PDB.guid else Found()


class SampleSymbols(Symbols):
    """The sample's own symbols."""

    def __init__(self) -> None:
        super().__init__(SymbolFile.open(BytesBlob(sample_symbols())))


def fuzz_cabinet(data: bytes) -> None:
    """Any bytes are a cabinet of one file, of which pieces of up to 32 KB come, or a ``CabError``."""
    try:
        for number, piece in enumerate(unpack_cab(io.BytesIO(data))):
            assert len(piece) <= BLOCK
            assert number <= len(data), "a block is packed in something"
    except CabError as error:
        assert str(error)


def fuzz_archive(data: bytes) -> None:
    """An archive gives debug files within the limits, at one place and by names that lead nowhere, or says why not. One
    that is sound is taken, whatever the others say."""
    decide = Decisions(data)
    content = fuzzed_archive(decide)
    is_sound = not decide.flag()
    with (
        tempfile.TemporaryDirectory() as folder,
        patch.object(archive, "SMALL", archives.SMALL),
        suppress(DebugFileError),
    ):
        path, scratch = Path(folder) / "archive", Path(folder) / "scratch"
        scratch.mkdir()
        path.write_bytes(content if is_sound else spoilt(decide, content))
        with Archive(path, archives.LIMITS) as opened:
            taken = [check_member(opened, found, scratch) for found in opened.debug_files(scratch)]
        sizes = [size for size in taken if size is not None]
        assert len(sizes) <= archives.LIMITS.debug_files
        assert sum(sizes) <= archives.LIMITS.total
        assert not is_sound or sizes[0] == len(archives.SOUND_CONTENT)


def check_member(opened: Archive, found: Unpacked | Refused, scratch: Path) -> int | None:
    """Hold a file of an archive to what ``archive.py`` promises, and tell its size."""
    assert found.name.isprintable() and len(found.name) <= NAME_LIMIT
    if isinstance(found, Refused):
        assert found.reason
        return None
    assert found.name and "/" not in found.name and "\\" not in found.name
    content = found.path.read_bytes()
    assert len(content) <= archives.LIMITS.size
    assert begins_like_debug_file(content[:HEAD])
    assert opened.unpack(found.number, scratch).path.read_bytes() == content
    assert [path.name for path in scratch.iterdir()] == ["unpacked"]
    return len(content)


TARGETS: dict[str, Callable[[bytes], None]] = {
    "reader": fuzz_reader,
    "dump": fuzz_dump,
    "walker": fuzz_walker,
    "crash": fuzz_crash,
    "symbol_file": fuzz_symbol_file,
    "cfi_text": fuzz_cfi_text,
    "breakpad_text": fuzz_breakpad_text,
    "program": fuzz_program,
    "cabinet": fuzz_cabinet,
    "archive": fuzz_archive,
    "intake": fuzz_intake,
    "envelope": fuzz_envelope,
    "event": fuzz_event,
    "source_bundle": fuzz_source_bundle,
    "scrub_dump": fuzz_scrub_dump,
    "scrub_event": fuzz_scrub_event,
}
