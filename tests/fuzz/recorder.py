"""A target under watch: what it finds is kept as a small file, once for each place, and the fuzzer goes on."""

from __future__ import annotations

import hashlib
import time
import traceback
from collections.abc import Callable
from pathlib import Path

SLOW = 2.0
"""CPU seconds that one input may take, instrumented for coverage."""
SHRINKING = 10.0
"""Seconds spent on making a finding smaller."""


class Recorder:
    """Calls ``target``, and writes to ``folder`` every input that makes it raise, or takes too long."""

    def __init__(self, target: Callable[[bytes], None], folder: Path) -> None:
        self._target = target
        self._folder = folder
        self._known: set[str] = set()

    def __call__(self, data: bytes) -> None:
        """Run the target; never raises."""
        place = self.place(data)
        if place is not None and place not in self._known:
            self._known.add(place)
            self._keep(self._shrunk(data, place), place)

    def place(self, data: bytes) -> str | None:
        """Where ``data`` goes wrong; ``None`` when it does not."""
        began = time.process_time()
        try:
            self._target(data)
        except Exception as error:
            frame = traceback.extract_tb(error.__traceback__)[-1]
            return f"{type(error).__name__} {Path(frame.filename).name}:{frame.lineno}"
        return "slow" if time.process_time() - began > SLOW else None

    def _shrunk(self, data: bytes, place: str) -> bytes:
        """A smaller input that goes wrong in the same place: pieces are cut out as long as that goes."""
        until = time.monotonic() + SHRINKING
        size = len(data) // 2
        while size and time.monotonic() < until:
            for start in range(len(data) - size, -1, -size):
                smaller = data[:start] + data[start + size :]
                if time.monotonic() < until and self.place(smaller) == place:
                    data = smaller
            size //= 2
        return data

    def _keep(self, data: bytes, place: str) -> None:
        path = self._folder / hashlib.sha256(data).hexdigest()[:16]
        path.write_bytes(data)
        print(f"FOUND {place}: {path}", flush=True)
        try:
            self._target(data)
        except Exception:
            traceback.print_exc()
