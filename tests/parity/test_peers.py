"""Cairn beside the true Breakpad and rust-minidump, on dumps that this project makes."""

from __future__ import annotations

import platform
import shutil
import sys
from pathlib import Path

import pytest

from tests.parity.__main__ import SAMPLE, summary
from tests.parity.compare import Dump
from tests.parity.crashes import BUILDS, WAYS, crash_all, write_symbols
from tests.parity.explained import Explained
from tests.parity.harness import Peers, walk_all
from tests.parity.installed import install
from tests.parity.run import Symbols

pytestmark = [
    pytest.mark.timeout(300),  # fetches the peers, 24 MB
    pytest.mark.skipif(
        (sys.platform, platform.machine()) != ("linux", "x86_64"), reason="the peers are programs for Linux on x86-64"
    ),
    pytest.mark.skipif(shutil.which("g++") is None, reason="needs g++"),
]


def walk(dumps: Path, symbols: Path, scratch: Path) -> list[Dump]:
    laid_out = Symbols.of(sorted(symbols.glob("*.sym")), scratch)
    return list(walk_all(Peers(dumps, laid_out, install()), Explained.read()))


@pytest.fixture(scope="module")
def crashes(tmp_path_factory: pytest.TempPathFactory) -> list[Dump]:
    dumps = crash_all(tmp_path_factory.mktemp("crashes"))
    return walk(dumps, dumps, tmp_path_factory.mktemp("scratch"))


def test_every_thread_is_the_peers_or_has_a_reason(crashes: list[Dump]) -> None:
    assert len(crashes) == len(WAYS) * len(BUILDS)
    assert [(dump.name, dump.wrong, dump.unexplained) for dump in crashes if dump.wrong or dump.unexplained] == []


def test_all_three_were_there(crashes: list[Dump]) -> None:
    threads = [thread for dump in crashes for thread in dump.threads]
    assert threads
    assert all(thread.frames.keys() == {"cairn", "rust-minidump", "Breakpad"} for thread in threads), summary(crashes)


def test_the_only_difference_is_a_frame_below_the_outermost(crashes: list[Dump]) -> None:
    for thread in (thread for dump in crashes for thread in dump.threads):
        assert thread.peers_agree
        assert thread.rule in ("same", "outermost")
        extra = len(thread.frames["Breakpad"]) - len(thread.frames["cairn"])
        assert extra >= 1 if thread.rule == "outermost" else extra == 0


def test_the_sample(tmp_path: Path) -> None:
    write_symbols([SAMPLE / "lighthouse"], tmp_path)
    (dump,) = walk(SAMPLE, tmp_path, tmp_path / "scratch")
    assert (dump.wrong, dump.unexplained) == ((), ())
    assert len(dump.threads) > 1
