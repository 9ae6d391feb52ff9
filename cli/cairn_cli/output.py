"""Printing: JSON for programs, colours and aligned columns for people."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from rich.console import Console
from rich.text import Text

WIDE = 10_000
"""Columns of an output that is not a terminal: lines are never folded there, so that they can be searched."""


def print_json(value: Any) -> None:
    """Print ``value`` as indented JSON."""
    json.dump(value, sys.stdout, indent=2, ensure_ascii=False, default=str)
    print()


def console() -> Console:
    """Where people read: in colour on a terminal, plain and unfolded elsewhere. ``NO_COLOR`` is honoured."""
    terminal = sys.stdout.isatty()
    return Console(width=None if terminal else WIDE, soft_wrap=True, highlight=False, emoji=False, markup=False)


def print_table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print rows under dim headings, columns as wide as what they hold."""
    widths = [max(len(cell) for cell in column) for column in zip(headings, *rows, strict=True)]
    out = console()
    for number, row in enumerate([headings, *rows]):
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=True)]
        out.print(Text("  ".join(cells).rstrip(), style="dim" if number == 0 else ""))


def moment(seconds: float) -> str:
    """Unix seconds as ``2026-11-23 08:17:12`` UTC."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S")
