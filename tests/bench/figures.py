"""What the bench found: figures with what was wanted, as a table for people and for the docs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Section:
    """A table of figures: ``columns`` and ``rows`` of text, and what there is to say below."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    notes: Sequence[str] = ()

    def markdown(self) -> Iterator[str]:
        """The section as the docs have it."""
        yield f"### {self.title}"
        yield ""
        yield from table(self.columns, self.rows)
        for note in self.notes:
            yield ""
            yield note


@dataclass(frozen=True)
class Goal:
    """A figure that is to be at least, or at most, another."""

    name: str
    value: float
    wanted: float
    unit: str
    at_least: bool = False

    @property
    def is_met(self) -> bool:
        return self.value >= self.wanted if self.at_least else self.value <= self.wanted

    def row(self) -> tuple[str, str, str, str]:
        """Name, what was wanted, what is, and whether that will do."""
        bound = "at least" if self.at_least else "at most"
        return (
            self.name,
            f"{bound} {number(self.wanted)} {self.unit}".rstrip(),
            f"{number(self.value)} {self.unit}".rstrip(),
            "yes" if self.is_met else "**no**",
        )


def goals_section(goals: Iterable[Goal]) -> Section:
    """All goals in one table."""
    return Section("Goals", ("what", "wanted", "measured", "met"), [goal.row() for goal in goals])


def table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Lines of a Markdown table with its columns in line."""
    widths = [max(len(row[place]) for row in (columns, *rows)) for place in range(len(columns))]
    yield _line(columns, widths)
    yield _line(["-" * width for width in widths], widths)
    for row in rows:
        yield _line(row, widths)


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    return "| " + " | ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)) + " |"


def number(value: float) -> str:
    """Three digits that count."""
    if value == int(value) or value >= 100:
        return f"{value:.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.3g}"
