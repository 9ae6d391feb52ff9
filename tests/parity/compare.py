"""One dump, walked by Cairn and its peers: where they agree and, where not, which rule says why."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from tests.parity.evidence import Evidence
from tests.parity.explained import Explained
from tests.parity.walks import Frames, Walk, same

RUST, BREAKPAD = "rust-minidump", "Breakpad"


@dataclass(frozen=True)
class Thread:
    """A thread's frames by walker. ``peers_agree``: they do, or there is one only. ``rule`` is ``same`` where Cairn
    agrees with them, ``as_<peer>`` where it agrees with one of two, ``None`` where nothing explains the difference."""

    number: int
    frames: Mapping[str, Frames]
    peers_agree: bool
    rule: str | None


@dataclass(frozen=True)
class Dump:
    """What came of a dump. ``wrong`` are differences of reason, address and thread count that nothing explains, and
    walks that went wrong; ``explained`` those that something does."""

    name: str
    threads: tuple[Thread, ...] = ()
    wrong: tuple[str, ...] = ()
    explained: tuple[str, ...] = ()
    seconds: float = 0
    megabytes: float = 0

    @property
    def unexplained(self) -> tuple[Thread, ...]:
        """Threads whose difference no rule explains."""
        return tuple(thread for thread in self.threads if thread.rule is None)


def compare(
    name: str, ours: Walk, peers: Mapping[str, Walk], evidence: Callable[[], Evidence], explained: Explained
) -> Dump:
    """Our walk of a dump beside those of its peers. ``evidence`` is asked for when there is a difference."""
    wrong = [
        f"{peer} has the crash address {_hex(walk.address)}, Cairn {_hex(ours.address)}"
        for peer, walk in peers.items()
        if walk.address != ours.address
    ]
    wrong += [
        f"{peer} has {len(walk.threads)} threads, Cairn {len(ours.threads)}"
        for peer, walk in peers.items()
        if len(walk.threads) > len(ours.threads) or (peer == RUST and len(walk.threads) != len(ours.threads))
    ]
    said: list[str] = []
    if RUST in peers and peers[RUST].reason != ours.reason:
        rule = explained.reasons.get((name, ours.reason))
        (said if rule else wrong).append(f"{RUST} has the reason {peers[RUST].reason}, Cairn {ours.reason} [{rule}]")
    threads = tuple(
        _thread(number, ours, _shown(peers, number), evidence, explained.threads.get((name, number)))
        for number in range(len(ours.threads))
    )
    return Dump(name, threads, tuple(wrong), tuple(said))


def _hex(address: int | None) -> str:
    return "none" if address is None else f"{address:#x}"


def _shown(peers: Mapping[str, Walk], number: int) -> dict[str, Frames]:
    """What each peer shows of a thread; one that shows no frame at all has nothing to say."""
    shown = {peer: walk.threads[number : number + 1] for peer, walk in peers.items()}
    return {peer: frames[0] for peer, frames in shown.items() if frames and frames[0]}


def _thread(
    number: int, ours: Walk, theirs: dict[str, Frames], evidence: Callable[[], Evidence], listed: str | None
) -> Thread:
    mine, others = ours.threads[number], list(theirs.values())
    agree = all(same(others[0], other) for other in others)
    allies = [peer for peer, other in theirs.items() if same(mine, other)]
    rule: str | None
    if not theirs:
        rule = listed if mine else "no frames"
    elif len(allies) == len(theirs):
        rule = "same"
    elif allies:
        rule = f"as_{allies[0]}"
    else:
        rule = listed or _rule(number, theirs, agree, evidence())
    return Thread(number, {"cairn": mine, **theirs}, agree, rule)


def _rule(number: int, theirs: dict[str, Frames], agree: bool, evidence: Evidence) -> str | None:
    """One rule for both peers, or one for each; where they agree, Breakpad's return addresses tell more."""
    asked = list(theirs)[-1:] if agree else list(theirs)
    rules = [evidence.rule(number, theirs[peer], exact=peer == BREAKPAD) for peer in asked]
    known = [rule for rule in dict.fromkeys(rules) if rule]
    return None if None in rules else "+".join(known)
