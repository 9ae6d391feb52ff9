"""Names of exception codes, signals and statuses, as data.

One JSON file a family, each ``{table: {name: number}}``; ``THIRD_PARTY.md`` says where they come from. A file is read
when the first of its tables is asked for: a crash on Linux never reads the 6,000 codes of Windows.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path

_FOLDER = Path(__file__).parent


@cache
def _family(family: str) -> Mapping[str, Mapping[int, str]]:
    tables: dict[str, dict[str, int]] = json.loads((_FOLDER / f"{family}.json").read_bytes())
    return {table: {number: name for name, number in names.items()} for table, names in tables.items()}


def code_name(family: str, table: str, number: int) -> str | None:
    """The name of ``number`` in a table of ``<family>.json``; ``None`` when the table or the number is not there."""
    return _family(family).get(table, {}).get(number)
