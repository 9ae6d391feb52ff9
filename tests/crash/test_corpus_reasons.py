"""Real dumps: reason, address and analyses beside those of rust-minidump 0.25 and Breakpad.

Every difference is listed here and argued in docs/crash-reasons.md.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cairn.crash.analysis.records import PointerKind
from cairn.crash.facts import Facts, analyse
from cairn.crash.reason import crash_reason
from cairn.minidump.reader import read
from cairn.minidump.records import Minidump

CORPUS = Path(__file__).parents[2].parent / "shared/corpus"
RUST, BREAKPAD = CORPUS / "ref/rust-minidump/json", CORPUS / "ref/breakpad/m"

pytestmark = [pytest.mark.corpus, pytest.mark.skipif(not CORPUS.is_dir(), reason="no corpus beside the checkout")]

OTHER_WORDS = {"minidump_crashpad_annotation.dmp": "Uncaught NSException"}
"""Crashpad's code for it, which rust-minidump prints as a number and Breakpad in these words."""

FETCH_FAILED = {"linux_jmp_to_module_not_exe_region.dmp"}
"""The program counter is the crash address: the bytes there were never executed."""

OTHER_POINTER = {"write_av_non_canonical.dmp", "linux_stacksmash.dmp"}
"""An address that is none, reported as -1 and as 0: no null pointer, and no bit of 0 was flipped."""


def dumps() -> Iterator[tuple[str, dict[str, Any]]]:
    for path in sorted(RUST.rglob("*.json")) if RUST.is_dir() else ():
        text = path.read_text()
        if text.strip():
            yield str(path.relative_to(RUST)).removesuffix(".json"), json.loads(text)["crash_info"]


CRASHES = {name: info for name, info in dumps() if info["type"] is not None}
parametrize = pytest.mark.parametrize("name", CRASHES or [""])


def dump_of(name: str) -> Minidump:
    return read((CORPUS / name).read_bytes())


def facts_of(name: str) -> Facts:
    return analyse(dump_of(name))


def number(text: str) -> int:
    return int(text, 16)


@parametrize
def test_reason_and_address(name: str) -> None:
    dump = dump_of(name)
    assert dump.exception is not None
    reason = crash_reason(dump.exception, dump.system)
    assert reason.address == number(CRASHES[name]["address"])
    assert reason.text == OTHER_WORDS.get(Path(name).name, CRASHES[name]["type"])


@parametrize
def test_address_is_breakpads(name: str) -> None:
    dump = dump_of(name)
    assert dump.exception is not None
    lines = (BREAKPAD / f"{name}.m.txt").read_text().splitlines()
    crashes = [line.split("|") for line in lines if line.startswith("Crash|")]
    assert len(crashes) == 1
    for _, _, address, _ in crashes:
        assert crash_reason(dump.exception, dump.system).address == number(address)


@parametrize
def test_instruction(name: str) -> None:
    expected, found = CRASHES[name], facts_of(name).instruction
    if expected["instruction"] is None or Path(name).name in FETCH_FAILED:
        return
    assert found is not None
    assert plain(found.text) == plain(expected["instruction"])
    accesses = found.accesses or ()
    wanted = expected["memory_accesses"] or []
    assert [(a.address, a.size) for a in accesses] == [(number(w["address"]), w["size"]) for w in wanted]
    for access, other in zip(accesses, wanted, strict=True):
        assert access.access == other.get("access_type", access.access)
    assert found.target is None


def plain(instruction: str) -> str:
    """Without what the two disassemblers write differently: ``ptr``, decimal numbers, a scale of one."""
    text = instruction.replace(" ptr", "").replace(" * 1", "").replace("int3", "int 3")
    return re.sub(r"0x[0-9a-f]+", lambda match: str(int(match[0], 16)), text)


@parametrize
def test_hidden_pointer(name: str) -> None:
    expected, pointer = CRASHES[name]["adjusted_address"], facts_of(name).pointer
    if Path(name).name in OTHER_POINTER:
        assert pointer is not None
        assert pointer.kind is PointerKind.NON_CANONICAL
    elif expected is not None:
        assert pointer is not None
        assert (pointer.kind, pointer.offset) == (expected["kind"], number(expected["offset"]))
    elif CRASHES[name]["instruction"] is not None:
        assert pointer is None


@parametrize
def test_bit_flips(name: str) -> None:
    found = [(flip.address, flip.confidence, flip.register) for flip in facts_of(name).bit_flips]
    wanted = [
        (number(flip["address"]), round(flip["confidence"], 4), flip["source_register"])
        for flip in CRASHES[name]["possible_bit_flips"] or ()
    ]
    assert found == ([] if Path(name).name in OTHER_POINTER else wanted)


@parametrize
def test_nothing_is_inconsistent(name: str) -> None:
    assert CRASHES[name]["crash_inconsistencies"] == []
    assert facts_of(name).inconsistencies == ()


def test_the_corpus_is_all_there() -> None:
    assert len(CRASHES) == 63
