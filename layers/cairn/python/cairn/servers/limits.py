"""How long and how large an answer of a symbol server may be."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """Of one file. ``seconds`` is for all of it, redirects included; ``connect`` and ``silence`` are the seconds that a
    server may take to take the call and between two pieces. ``size`` is the bytes that are sent."""

    seconds: float = 180
    connect: float = 5
    silence: float = 15
    size: int = 1024 * 1024 * 1024
    redirects: int = 5
