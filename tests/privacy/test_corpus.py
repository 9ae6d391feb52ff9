"""Real dumps of every system: scrubbed, they give the same event."""

from __future__ import annotations

from pathlib import Path

import pytest

from cairn.crash.build_event import Received, build_event
from cairn.crash.event import Event
from cairn.crash.process import process
from cairn.minidump.errors import MinidumpError
from cairn.privacy.scrub_dump import scrub_dump
from cairn.privacy.scrub_event import scrubbed
from cairn.privacy.settings import Privacy
from tests.crash.symbol_files import Files

CORPUS = Path(__file__).parents[2].parent / "shared/corpus"
LARGEST = 1_500_000
DUMPS = [path for path in sorted(CORPUS.rglob("*.dmp")) if path.stat().st_size < LARGEST]

pytestmark = [pytest.mark.corpus, pytest.mark.skipif(not DUMPS, reason="no corpus beside the checkout")]


@pytest.mark.parametrize("path", DUMPS, ids=lambda path: str(path.relative_to(CORPUS)))
def test_a_scrubbed_dump_gives_the_same_event(path: Path) -> None:
    data = path.read_bytes()
    try:
        crash = process(data, Files())
    except MinidumpError:
        return
    done = scrub_dump(data, crash.dump, Privacy()).data
    assert len(done) == len(data)
    before, after = event_of(data), event_of(done)
    assert (after.exception, after.threads, after.debug_meta) == (before.exception, before.threads, before.debug_meta)
    assert after.cairn.facts == before.cairn.facts
    assert scrub_dump(done, process(done, Files()).dump, Privacy()).data == done


def event_of(data: bytes) -> Event:
    return scrubbed(build_event(process(data, Files()), Received("ab" * 16, 1, 1_700_000_000.0)), Privacy())
