"""Real dumps: our stackwalk JSON beside rust-minidump 0.25's, field by field.

Every deliberate difference is listed here and said in docs/stackwalk-json.md. Which frames there are is compared by
tests/parity; here, what is said of a frame that both have.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from cairn.crash.process import process
from cairn.crash.stackwalk_json import stackwalk_json
from cairn_cli.local_symbols import FolderFinder

CORPUS = Path(__file__).parents[2].parent / "shared/corpus"
RUST = CORPUS / "ref/rust-minidump/json"

pytestmark = [pytest.mark.corpus, pytest.mark.skipif(not CORPUS.is_dir(), reason="no corpus beside the checkout")]

NEWER = {"process_uptime"}
"""What rust-minidump prints since 0.26, after these outputs were made."""

FRAMES = ("frame_count", "frames", "threads", "crashing_thread")
"""Compared apart: the walks may differ."""

SYMBOLS = ("loaded_symbols", "missing_symbols", "corrupt_symbols")
"""Depend on which modules have frames; rust-minidump also gives modules of one base name the same ones."""

INSTRUCTION = ("instruction", "memory_accesses", "adjusted_address", "instruction_pointer_update", "possible_bit_flips")
"""Another disassembler, and more architectures: compared by test_corpus_reasons.py."""

REJECTED = {"linux_inline.dmp"}
"""rust-minidump takes no symbol file whose last line has no end; Breakpad and Cairn read it."""

DIFFERENT = {
    "minidump_crashpad_annotation.dmp": {"type"},  # Crashpad's code for an NSException, in words
    "linux_executable_stack.dmp": {"linux_memory_map_count"},  # a line of the maps stands cut off at the end
    "android-arm.dmp": {"os_ver"},  # the kernel's release, as on Linux
}
"""Dump to the fields that are meant to differ."""


def dumps() -> list[str]:
    paths = sorted(path for path in RUST.rglob("*.json") if path.read_text().strip())
    return [str(path.relative_to(RUST)).removesuffix(".json") for path in paths]


parametrize = pytest.mark.parametrize("name", dumps() or [""])


@pytest.fixture(scope="module")
def cache_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("symbols")


@cache
def theirs(name: str) -> dict[str, Any]:
    said: dict[str, Any] = json.loads((RUST / f"{name}.json").read_text())
    return said


@cache
def ours(name: str, cache_folder: Path) -> dict[str, Any]:
    """With the symbols that rust-minidump had, through JSON and back. Firefox's 25 MB of them only for one dump."""
    files = sorted(CORPUS.rglob("*.sym")) if "linux-x86.dmp" in name or "pgo_data" not in name else []
    said: dict[str, Any] = stackwalk_json(process((CORPUS / name).read_bytes(), FolderFinder(files, cache_folder)))
    return dict(json.loads(json.dumps(said)))


def differences(one: Any, other: Any, field: str) -> Iterator[str]:
    """The names of the fields in which ``one`` is not ``other``."""
    if isinstance(one, dict) and isinstance(other, dict):
        yield from (f"no {key}" for key in other.keys() - one.keys())
        yield from (f"extra {key}" for key in one.keys() - other.keys() - NEWER - {"cairn"})
        for key in (one.keys() & other.keys()) - {*FRAMES, *SYMBOLS, *INSTRUCTION}:
            yield from differences(one[key], other[key], key)
    elif isinstance(one, list) and isinstance(other, list):
        yield from () if len(one) == len(other) else (f"count of {field}",)
        for mine, theirs_ in zip(one, other, strict=False):
            yield from differences(mine, theirs_, field)
    elif type(one) is not type(other) or one != other:
        yield field


def as_meant(said: dict[str, Any]) -> dict[str, Any]:
    """rust-minidump's output with what Cairn leaves out on purpose: blanks behind the version, code ids of Windows'
    kind for modules on Linux that have none (``00000000`` and the size), Windows' last error elsewhere, empty names."""
    said = json.loads(json.dumps(said))
    os = said["system_info"]["os"]
    said["system_info"]["os_ver"] = said["system_info"]["os_ver"].strip()
    for module in said["modules"]:
        if module["code_id"].startswith("00000000") and os in ("Linux", "Android"):
            module["code_id"] = ""
    for thread in said["threads"]:
        thread["thread_name"] = thread["thread_name"] or None
        thread["last_error_value"] = thread["last_error_value"] if os == "Windows NT" else None
    return said


@parametrize
def test_everything_but_the_frames(name: str, cache_folder: Path) -> None:
    expected, found = as_meant(theirs(name)), ours(name, cache_folder)
    assert found.keys() >= expected.keys()
    assert set(differences(found, expected, "")) == DIFFERENT.get(Path(name).name, set())
    for mine, other in zip(found["threads"], expected["threads"], strict=True):
        assert set(differences(mine, other, "")) == set()


@parametrize
def test_what_is_said_of_a_frame(name: str, cache_folder: Path) -> None:
    if "pgo_data" in name and "linux-x86.dmp" not in name:
        return
    compared = 0
    for mine, other in zip(ours(name, cache_folder)["threads"], theirs(name)["threads"], strict=True):
        frames = {frame["offset"]: frame for frame in other["frames"]}
        for frame in mine["frames"]:
            if (known := frames.get(frame["offset"])) is not None:
                same = set(differences(frame, known, "")) - {"frame", "trust"}
                assert not same or Path(name).name in REJECTED
                compared += 1
    assert compared or not any(thread["frames"] for thread in theirs(name)["threads"])


@parametrize
def test_registers_and_crashing_thread(name: str, cache_folder: Path) -> None:
    found, expected = ours(name, cache_folder), theirs(name)
    assert ("crashing_thread" in expected) <= ("crashing_thread" in found)
    if "crashing_thread" in expected:
        mine, other = found["crashing_thread"], expected["crashing_thread"]
        assert mine["threads_index"] == other["threads_index"] == expected["crash_info"]["crashing_thread"]
        registers = other["frames"][0]["registers"]
        assert registers.items() <= mine["frames"][0]["registers"].items()


@parametrize
def test_the_crash_keeps_its_keys_and_types(name: str, cache_folder: Path) -> None:
    mine, other = ours(name, cache_folder)["crash_info"], theirs(name)["crash_info"]
    assert mine.keys() == other.keys()
    for key in INSTRUCTION:
        for one, known in zip(mine[key] or (), other[key] or (), strict=False):
            assert type(one) is type(known)
    for flip in mine["possible_bit_flips"] or ():
        assert flip.keys() == {"address", "confidence", "source_register"}


def test_the_corpus_is_all_there() -> None:
    assert len(dumps()) == 72
