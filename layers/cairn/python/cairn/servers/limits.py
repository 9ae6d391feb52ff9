"""How long and how large an answer of a symbol server may be."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """Of one file. ``seconds`` is for all of it, redirects included; ``connect`` and ``silence`` are the seconds that a
    server may take to take the call and between two pieces: a debuginfod takes a file out of its package before it
    answers. ``size`` is the bytes that are sent."""

    seconds: float = 180
    connect: float = 5
    silence: float = 45
    size: int = 1024 * 1024 * 1024
    redirects: int = 5
