"""Real dumps, thread by thread: where Breakpad and rust-minidump agree, so do we, or there is a reason."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from cairn.minidump.reader import read
from cairn.minidump.records import Minidump
from cairn.unwind.architectures import architecture_of
from cairn.unwind.frames import Stack
from cairn.unwind.process import Process
from cairn.unwind.walker import walk_threads
from tests.unwind import peers
from tests.unwind.crashed import pcs

_INSIDE = "Windows keeps the frame pointer inside the frame; rust-minidump 0.26 looks there too, 0.25 and Breakpad scan"
EXCEPTIONS: dict[tuple[str, int], str] = {
    ("exec_av_on_stack.dmp", 0): "a call went astray: the caller is on top of the stack, frame pointers lose it",
    ("linux-x86.dmp", 60): "ebp leads to a value in no module, which the peers show as a frame",
    **{("windows-x86_64.dmp", thread): _INSIDE for thread in (43, 44, 45, 46, 47, 48, 78)},
}
"""Threads on which both peers agree, we differ, and no general reason tells why."""


def reason(dump: Minidump, ours: Stack, theirs: peers.Frames) -> str | None:
    """Why our stack is not theirs (return addresses), ``None`` when no general rule tells.

    ``longer``: we find more, above all that they find. The others say what is wrong with their first frame that we do
    not have: it lies in memory that is not executable or on the stack itself, or the code before it is no call.
    """
    pairs = enumerate(zip(pcs(ours), theirs, strict=False))
    common = next((index for index, (one, other) in pairs if abs(one - other) > 1), min(len(ours.frames), len(theirs)))
    if common == len(theirs):
        return "longer"
    process = Process(dump, architecture_of(dump.system.arch), peers.PeerRules())
    address = theirs[common]
    if not process.returns.may_be_code(address):
        return "not code"
    if process.modules.at(address) and not process.returns.accept(address):
        return "not a return address"
    return None


def compare(path: Path) -> Iterator[tuple[tuple[str, int], str | None]]:
    """Every thread of a dump on which both peers agree, and why we differ (``same`` if we do not)."""
    dump = read(path.read_bytes())
    rust, breakpad = peers.rust_minidump(path), peers.breakpad(path)
    for number, (stack, one) in enumerate(zip(walk_threads(dump, peers.PeerRules()), rust, strict=False)):
        other = breakpad.get(number, ())
        if other and peers.same(one, other):
            same = peers.same(tuple(pcs(stack)), other)
            yield (path.name, number), "same" if same else reason(dump, stack, other)


@pytest.mark.corpus
@pytest.mark.skipif(not peers.CORPUS.is_dir(), reason="the corpus is not beside the checkout")
def test_where_the_peers_agree_we_do_or_have_a_reason() -> None:
    compared = [result for path in peers.dumps() for result in compare(path)]
    assert {thread for thread, why in compared if why is None} == EXCEPTIONS.keys()
    counted = Counter(why for _, why in compared)
    assert counted["same"] + counted["longer"] > counted.total() // 2 > 200
