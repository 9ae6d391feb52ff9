"""What a walker says of a dump, in one form for all three of them."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

TOLERANCE = 8
"""Breakpad prints return addresses, the others addresses inside the call: at most this far apart (mips)."""

_THREAD = re.compile(r"Thread (\d+)")
_FRAME_NUMBER = re.compile(r"\s?\d+  ")
_COUNTER = re.compile(r"\b(?:rip|eip|pc|srr0) = 0x([0-9a-f]+)")
_CRASH = re.compile(r"^Crash (reason|address):\s+(.*)$", re.MULTILINE)

Frames = tuple[int, ...]
"""The addresses of a thread's frames, innermost first. Inlined calls do not count: they share their caller's frame."""


@dataclass(frozen=True)
class Walk:
    """``threads`` stand in the order of the dump. ``trust`` says how each frame was found; Breakpad's is left out.

    ``writer`` is the place of the thread that wrote the dump; only Cairn says it.
    """

    threads: tuple[Frames, ...]
    reason: str | None
    address: int | None
    trust: tuple[tuple[str, ...], ...] = ()
    ends: tuple[str, ...] = ()
    writer: int | None = None


def from_json(text: str) -> Walk | None:
    """rust-minidump's JSON, or Cairn's; ``None`` where a walker had nothing to say."""
    if not text.strip():
        return None
    said: dict[str, Any] = json.loads(text)
    threads, crash = said["threads"], said["crash_info"]
    ends = tuple(thread.get("cairn", {}).get("stack_end", "") for thread in threads)
    return Walk(
        threads=tuple(tuple(int(frame["offset"], 16) for frame in thread["frames"]) for thread in threads),
        reason=crash["type"],
        address=None if crash["address"] is None else int(crash["address"], 16),
        trust=tuple(tuple(frame["trust"] for frame in thread["frames"]) for thread in threads),
        ends=ends,
        writer=ends.index("dump_writer") if "dump_writer" in ends else None,
    )


def from_breakpad(text: str, writer: int | None) -> Walk | None:
    """What Breakpad prints for people: for machines it prints offsets from a line or a module in place of addresses.

    Breakpad leaves out the thread that wrote the dump and counts the others on: ``writer`` is that thread's place.
    """
    listed: dict[int, list[int]] = {}
    frames: list[int] = []
    for line in text.splitlines():
        if line.startswith("Loaded modules"):
            break
        if header := _THREAD.match(line):
            frames = listed.setdefault(_place(int(header[1]), writer), [])
        elif counter := _COUNTER.search(line):
            frames.append(int(counter[1], 16))
    if not listed:
        return None
    said = dict(_CRASH.findall(text))
    address = said.get("address", "")
    threads = tuple(tuple(listed.get(number, ())) for number in range(max(listed) + 1))
    return Walk(threads, said.get("reason"), int(address, 16) if address.startswith("0x") else None)


def _place(number: int, writer: int | None) -> int:
    return number + (writer is not None and number >= writer)


def same(one: Frames, other: Frames) -> bool:
    """Whether two walks found the same frames."""
    return len(one) == len(other) == common(one, other)


def common(one: Frames, other: Frames) -> int:
    """How many frames, from the innermost on, two walks have in common."""
    pairs = enumerate(zip(one, other, strict=False))
    differing = (index for index, (a, b) in pairs if abs(a - b) > TOLERANCE)
    return next(differing, min(len(one), len(other)))
