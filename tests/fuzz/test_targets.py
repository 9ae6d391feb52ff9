"""What fuzzing found stays found, and the targets hold for what hypothesis thinks of. Needs no fuzzer."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fuzz.seeds import seeds
from tests.fuzz.targets import TARGETS

CORPUS = Path(__file__).parent / "corpus"
CPU_SECONDS = 2.0
STRUCTURED = ("walker", "crash", "intake", "envelope", "event", "archive", "source_bundle", "scrub_dump", "scrub_event")
"""Targets that make something of any bytes, so that any bytes are a good test."""

KEPT = sorted(path for path in CORPUS.rglob("*") if path.is_file())


def run(target: str, data: bytes) -> None:
    began = time.process_time()
    TARGETS[target](data)
    assert time.process_time() - began < CPU_SECONDS


@pytest.mark.parametrize("path", KEPT, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_findings_stay_fixed(path: Path) -> None:
    run(path.parent.name, path.read_bytes())


@pytest.mark.parametrize("target", TARGETS)
def test_seeds_pass(target: str) -> None:
    found = seeds(target)
    assert found
    for data in found:
        run(target, data)


@pytest.mark.parametrize("target", STRUCTURED)
def test_any_decisions_pass(target: str) -> None:
    @settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.binary(max_size=1500))
    def check(data: bytes) -> None:
        run(target, data)

    check()


@pytest.mark.parametrize("target", ["reader", "dump", "symbol_file", "cfi_text", "breakpad_text", "program", "cabinet"])
def test_changed_seeds_pass(target: str) -> None:
    """A few bytes of a seed changed, anywhere."""
    patches = st.lists(st.tuples(st.integers(0, 1 << 15), st.binary(min_size=1, max_size=4)), max_size=6)

    @settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.sampled_from(seeds(target)), patches)
    def check(seed: bytes, patches: list[tuple[int, bytes]]) -> None:
        changed = bytearray(seed)
        for place, new in patches:
            start = place % len(changed)
            changed[start : start + len(new)] = new
        run(target, bytes(changed))

    check()


def test_all_that_is_kept_belongs_to_a_target() -> None:
    assert {path.parent.name for path in KEPT} <= set(TARGETS)
    assert all(path.stat().st_size <= 16384 for path in KEPT)
