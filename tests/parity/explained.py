"""The differences that a person has looked into: ``explained.toml``."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

FILE = Path(__file__).parent / "explained.toml"


@dataclass(frozen=True)
class Explained:
    """``threads``: dump and thread to the rule; ``reasons``: dump and our reason to the rule."""

    threads: Mapping[tuple[str, int], str]
    reasons: Mapping[tuple[str, str | None], str]

    @classmethod
    def read(cls, file: Path = FILE) -> Explained:
        listed = tomllib.loads(file.read_text())
        return cls(
            {(one["dump"], thread): one["rule"] for one in listed["thread"] for thread in one["threads"]},
            {(one["dump"], one["ours"]): one["rule"] for one in listed["reason"]},
        )
