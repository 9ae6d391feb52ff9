from __future__ import annotations

import argparse
import time

import pytest

from cairn_cli.times import moment_of


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("2026-11-24", 1795478400),
        ("2026-11-24T10:30", 1795516200),
        ("2026-11-24T10:30:05Z", 1795516205),
        ("2026-11-24T10:30+02:00", 1795509000),
    ],
)
def test_moments(text: str, seconds: float) -> None:
    assert moment_of(text) == seconds


@pytest.mark.parametrize(("text", "seconds"), [("90m", 5400), ("12h", 43200), ("3d", 259200), ("2w", 1209600)])
def test_so_long_ago(text: str, seconds: float) -> None:
    assert abs(time.time() - seconds - moment_of(text)) < 10


@pytest.mark.parametrize("text", ["", "yesterday", "3", "-3d", "2026-13-01", "9999999d"])
def test_what_is_no_time_names_the_forms(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="write 2026-11-24"):
        moment_of(text)
