"""What users read names every answer and every limit."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from cairn.intake import errors
from cairn.intake.errors import IntakeError, ItemTooLargeError, ProtocolVersionError, UploadError
from cairn.intake.forms import EVENT_KINDS, KIND_BY_FIELD
from cairn.intake.limits import Limits
from cairn.intake.messages import limited
from cairn.intake.outcomes import (
    DAILY_QUOTA,
    FILTERED_MESSAGE,
    FILTERED_RELEASE,
    RATE_LIMITED,
    SPIKE,
    Drop,
)

PAGES = Path(__file__).parent.parent.parent / "docs"
PAGE = (PAGES / "sending-crashes.md").read_text()


def answers(base: type[IntakeError] = IntakeError) -> Iterator[IntakeError]:
    """One of each error that can be answered."""
    for kind in base.__subclasses__():
        yield from answers(kind)
        if kind is ItemTooLargeError:
            yield ItemTooLargeError("T")
        elif kind is ProtocolVersionError:
            yield ProtocolVersionError(8)
        elif hasattr(kind, "reason"):
            yield kind()


ANSWERS = {error.reason: error for error in answers()}


@pytest.mark.parametrize("reason", ANSWERS)
def test_every_answer_is_in_the_page_and_the_tree(reason: str) -> None:
    error = ANSWERS[reason]
    detail = error.detail.replace("(8)", "(N)").replace(errors.SIZE_LIMITS_PAGE, "…")
    row = next(line for line in PAGE.splitlines() if f"`{reason}`" in line)
    assert row.startswith(f"| {error.status} | `{detail}` |")
    leaf = next(line for line in str(errors.__doc__).splitlines() if type(error).__name__ in line)
    assert leaf.split("Error", 1)[1].split() == [str(error.status), *detail.split(), reason]


def test_what_is_too_large_is_told_of_the_doors_that_take_more() -> None:
    too_large = [error for error in ANSWERS.values() if error.status == 413 and not isinstance(error, UploadError)]
    assert len(too_large) == 2
    for error in too_large:
        assert "`cairn submit FILE`" in error.causes[-1] and "large_uploads" in error.causes[-1]


def test_reasons_are_told_apart() -> None:
    assert len(ANSWERS) == len(list(answers())) == 34


@pytest.mark.parametrize("field", [field.name for field in dataclasses.fields(Limits)])
def test_every_limit_is_in_the_page(field: str) -> None:
    assert f"`CAIRN_LIMIT_{field.upper()}`" in PAGE


@pytest.mark.parametrize("reason", [RATE_LIMITED, DAILY_QUOTA, SPIKE, FILTERED_RELEASE, FILTERED_MESSAGE])
def test_every_reason_of_a_drop_is_in_its_page(reason: str) -> None:
    rows = (PAGES / "limits-and-filters.md").read_text().splitlines()
    assert [row for row in rows if row.startswith("|") and row.endswith(f"| `{reason}` |")]
    if not reason.startswith("filtered:"):
        assert f"`{reason}`" in next(row for row in PAGE.splitlines() if row.startswith("| 429 |"))


def test_a_limit_that_is_reached_is_answered_as_the_page_says() -> None:
    told = limited(Drop(SPIKE, "project", 7))
    assert f"| 429 | `{json.loads(told.body)['detail']}` |" in PAGE


@pytest.mark.parametrize("name", [*KIND_BY_FIELD, *EVENT_KINDS.values()])
def test_every_special_name_is_in_the_page(name: str) -> None:
    assert f"`{name}`" in PAGE
