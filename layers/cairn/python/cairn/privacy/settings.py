"""What a project wants for its crashes' privacy."""

from __future__ import annotations

import re
from dataclasses import dataclass

MOST_KEPT = 1000
"""Dumps that ``newest=N`` may keep of an issue."""
FIELDS = 100
"""Names of fields that a project may have."""
FIELD = 200
"""Characters of such a name."""

_NEWEST = re.compile(r"newest=([1-9]\d{0,3})")


@dataclass(frozen=True, slots=True)
class Privacy:
    """The settings of a project. ``scrub`` has secrets taken out of events, ``scrub_dumps`` out of stored dumps.
    ``safe_fields`` are left as they are, ``sensitive_fields`` are taken out whole; both are names of fields. ``dumps``
    says which are kept once their event is made: ``all``, ``none``, or ``newest=N`` of each issue."""

    scrub: bool = True
    scrub_dumps: bool = True
    safe_fields: tuple[str, ...] = ()
    sensitive_fields: tuple[str, ...] = ()
    dumps: str = "all"

    @property
    def newest(self) -> int | None:
        """How many dumps of an issue are kept; ``None`` for all of them."""
        if self.dumps == "all":
            return None
        match = _NEWEST.fullmatch(self.dumps)
        return int(match[1]) if match else 0


DEFAULT = Privacy()
"""The settings of a project that has chosen none."""


def is_dump_policy(text: str) -> bool:
    """Whether ``dumps`` may have this value."""
    match = _NEWEST.fullmatch(text)
    return text in ("all", "none") or bool(match and int(match[1]) <= MOST_KEPT)
