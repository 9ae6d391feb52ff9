"""The makers of inputs make what they say, so that the targets behind them are reached."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from cairn.minidump.reader import read
from cairn.minidump.records import Arch, Module
from cairn.symbols.ranges.blob import BytesBlob
from cairn.symbols.symbol_file.reader import SymbolFile
from cairn.unwind.frames import Trust
from cairn.unwind.walker import walk_threads
from tests.fuzz.__main__ import NAMES
from tests.fuzz.decisions import Decisions
from tests.fuzz.dumps import ARCHES, DumpProgram
from tests.fuzz.packed_symbols import pack, unpack
from tests.fuzz.recorder import Recorder
from tests.fuzz.requests import LIMITS, fuzzed_request
from tests.fuzz.targets import TARGETS, fuzz_event, sample_symbols
from tests.fuzz.unwind_rules import FuzzedRules
from tests.intake.clients import send


def random_bytes(count: int, size: int = 900) -> list[bytes]:
    rng = random.Random(1)
    return [rng.randbytes(size) for _ in range(count)]


def test_the_command_knows_every_target() -> None:
    assert list(TARGETS) == NAMES


def test_decisions_run_out_quietly() -> None:
    decide = Decisions(b"\x02\xff")
    assert decide.choice("abc") == "c"
    assert decide.number(4) == 255
    assert (decide.left, decide.number(), decide.flag(), decide.choice("abc"), decide.take(3)) == (
        0,
        0,
        False,
        "a",
        b"",
    )
    assert decide.some(5, lambda: 1) == []
    assert decide.json(["k"]) == {}


def test_dumps_are_whole_and_of_every_kind() -> None:
    arches = set()
    for data in random_bytes(60):
        program = DumpProgram(Decisions(data))
        dump = read(program.build())
        assert dump.system.arch is program.arch
        arches.add(dump.system.arch)
    assert arches == set(ARCHES)


def test_walks_meet_rules_and_guesses() -> None:
    trusts = set()
    for data in random_bytes(150):
        decide = Decisions(data)
        program = DumpProgram(decide)
        rules = FuzzedRules.make(decide, program.arch)
        stacks = walk_threads(read(program.build()), rules)
        trusts |= {frame.trust for stack in stacks for frame in stack.frames}
    assert {Trust.CONTEXT, Trust.CFI, Trust.SCAN} <= trusts


@pytest.mark.parametrize("arch", ARCHES)
def test_there_are_rules_for_every_architecture(arch: Arch) -> None:
    module = Module(base=0, size=1 << 20, code_file="a")
    rules = FuzzedRules(Decisions(bytes(range(1, 255))), arch)
    assert rules.has_unwind_info(module)
    assert any(rules.rule_at(module, offset) for offset in range(0, 1 << 20, 4097))


def test_requests_are_taken_and_refused() -> None:
    answers = {send(fuzzed_request(Decisions(data)), LIMITS)[0].status for data in random_bytes(150)}
    assert {200, 400} <= answers


def test_symbol_files_survive_being_unpacked() -> None:
    again = SymbolFile.open(BytesBlob(pack(unpack(sample_symbols()))))
    original = SymbolFile.open(BytesBlob(sample_symbols()))
    assert again.description == original.description
    assert again.locate([0x1010]) == original.locate([0x1010])
    assert again.rule_at(0x1001) == original.rule_at(0x1001) is not None


def test_no_bytes_are_an_event_too() -> None:
    fuzz_event(b"")


def test_a_finding_is_kept_once_and_small(tmp_path: Path) -> None:
    def target(data: bytes) -> None:
        if b"x" in data:
            raise ValueError

    recorder = Recorder(target, tmp_path)
    for data in (b"quiet", b"aaaaxaaaaaaa", b"bx"):
        recorder(data)
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"x"]
