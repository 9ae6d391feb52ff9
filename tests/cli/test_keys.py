"""How limits are written on the command line."""

from __future__ import annotations

import pytest

from cairn.intake.rules import Rate
from cairn_cli.keys import or_none, rate
from tests.cli.command import cairn


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("100/60s", Rate(100, 60)),
        ("1/s", Rate(1, 1)),
        ("100/m", Rate(100, 60)),
        ("5000/1h", Rate(5000, 3600)),
        ("7/1d", Rate(7, 86400)),
    ],
)
def test_rates(text: str, expected: Rate) -> None:
    assert rate(text) == expected


def test_none_is_no_limit() -> None:
    assert or_none(rate)("none") is None
    assert or_none(rate)("1/s") == Rate(1, 1)


@pytest.mark.parametrize("given", ["", "100", "0/60s", "100/0s", "100/60", "-1/60s", "100/25h", "²/60s", "1/60s/2"])
def test_what_is_no_rate_is_said(given: str) -> None:
    done = cairn("keys", "create", f"--rate={given}")
    assert done.code == 2
    assert "is no rate: give crashes and a time of up to a day, as 100/60s" in done.err


@pytest.mark.parametrize("given", ["0", "-1", "1.5", "many", "²"])
def test_what_is_no_number_is_said(given: str) -> None:
    done = cairn("keys", "create", f"--daily={given}")
    assert (done.code, "is no number of crashes above 0" in done.err) == (2, True)
