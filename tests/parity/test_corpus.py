"""Real dumps of all systems, beside the recorded outputs of both peers: the figures of docs/parity.md."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from tests.parity.__main__ import CORPUS
from tests.parity.compare import Dump, Thread
from tests.parity.explained import Explained
from tests.parity.harness import MEGABYTES, SECONDS, Peers, walk_all
from tests.parity.run import Symbols

pytestmark = [
    pytest.mark.corpus,
    pytest.mark.skipif(not CORPUS.is_dir(), reason="no corpus beside the checkout"),
    pytest.mark.timeout(300),  # 89 walks, and 25 MB of symbols to compile
]

THEIRS_IS_NO_CALLER = {"not_executable", "no_return_address", "on_the_stack", "outermost"}
THEY_MISS_SOME = {"they_stop", "they_skip"}
BOTH = {"they_stop+not_executable", "they_skip+not_executable"}
BY_HAND = {"astray_call", "wild_return", "frame_pointer_inside", "flags_missing"}


@pytest.fixture(scope="module")
def dumps(tmp_path_factory: pytest.TempPathFactory) -> list[Dump]:
    symbols = Symbols.of(sorted(CORPUS.rglob("*.sym")), tmp_path_factory.mktemp("parity"))
    return list(walk_all(Peers(CORPUS, symbols, recorded=CORPUS / "ref"), Explained.read()))


def threads(dumps: list[Dump]) -> list[Thread]:
    return [thread for dump in dumps for thread in dump.threads if len(thread.frames) > 1]


def test_nothing_is_unexplained(dumps: list[Dump]) -> None:
    assert len(dumps) == 89
    assert [(dump.name, dump.wrong, dump.unexplained) for dump in dumps if dump.wrong or dump.unexplained] == []


def test_the_rules_are_those_of_the_page(dumps: list[Dump]) -> None:
    rules = {str(thread.rule) for thread in threads(dumps)}
    sides = {"as_Breakpad", "as_rust-minidump"}
    assert rules <= {"same"} | sides | THEIRS_IS_NO_CALLER | THEY_MISS_SOME | BOTH | BY_HAND
    page = (Path(__file__).parents[2] / "docs/parity.md").read_text()
    assert [rule for rule in sorted(rules - {"same"}) for part in rule.split("+") if f"`{part}`" not in page] == []


def test_most_threads_are_the_same_and_most_others_show_what_cannot_be_code(dumps: list[Dump]) -> None:
    agreed = Counter(thread.rule for thread in threads(dumps) if thread.peers_agree)
    assert agreed.total() >= 430
    assert agreed["same"] >= agreed.total() // 2
    refuted = sum(agreed[rule] for rule in THEIRS_IS_NO_CALLER)
    assert agreed["same"] + refuted + agreed["they_stop"] >= agreed.total() - 15


def test_what_is_listed_is_still_different(dumps: list[Dump]) -> None:
    listed = Explained.read()
    found = {(dump.name, thread.number) for dump in dumps for thread in dump.threads if thread.rule in BY_HAND}
    assert found == listed.threads.keys()
    assert {dump.name for dump in dumps if dump.explained and dump.threads} == {name for name, _ in listed.reasons}


def test_none_takes_long_or_much(dumps: list[Dump]) -> None:
    assert max(dump.seconds for dump in dumps) <= SECONDS
    assert max(dump.megabytes for dump in dumps) <= MEGABYTES
    assert min(dump.megabytes for dump in dumps) > 5
