"""More than a thousand hostile requests through the ingest function: no 5xx, no growth, and each answer is one that
the docs name."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from cairn.intake.errors import SIZE_LIMITS_PAGE

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs/sending-crashes.md"
LEAST = 500
GROWTH, PEAK = 16, 256
"""MiB. The peak is that of the whole process, which also makes the requests."""

GOOD = {
    200: r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|\{\"id\": ?\"[0-9a-f]{32}\"\}|\{\}",
    201: r"",
}
"""What is answered to what is taken after all."""


@pytest.fixture(scope="module")
def sent() -> dict[str, Any]:
    """What was answered, by a process of its own."""
    command = [sys.executable, "-m", "tests.functions.hostile"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False, timeout=110)
    assert done.returncode == 0, done.stderr[-2000:]
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def documented() -> list[tuple[int, re.Pattern[str]]]:
    """Status and ``detail`` of every answer in the docs."""
    rows = re.findall(r"^\| (\d{3}) \| `([^`]+)` \|", PAGE.read_text(), re.MULTILINE)
    return [(int(status), pattern(detail)) for status, detail in rows]


def pattern(detail: str) -> re.Pattern[str]:
    """What the docs mean by a ``detail`` with placeholders."""
    text = re.escape(detail).replace("'T'", "'[a-z_:]+'").replace(r"\(N\)", r"\(\d+\)")
    return re.compile(text.replace("…", re.escape(SIZE_LIMITS_PAGE)))


def is_documented(status: int, body: str, known: list[tuple[int, re.Pattern[str]]]) -> bool:
    if status in GOOD:
        return re.fullmatch(GOOD[status], body) is not None
    detail = json.loads(body)["detail"]
    return any(status == code and text.fullmatch(detail) for code, text in known)


def test_there_are_enough_and_all_differ(sent: dict[str, Any]) -> None:
    names = [name for name, _, _ in sent["answers"]]
    assert len(set(names)) == len(names) >= LEAST


def test_nothing_is_answered_5xx(sent: dict[str, Any]) -> None:
    assert [answer for answer in sent["answers"] if answer[1] >= 500] == []


def test_every_answer_is_documented(sent: dict[str, Any]) -> None:
    known = documented()
    assert len(known) >= 20
    assert [answer for answer in sent["answers"] if not is_documented(answer[1], answer[2], known)] == []


def test_all_kinds_of_refusal_are_met(sent: dict[str, Any]) -> None:
    assert {status for _, status, _ in sent["answers"]} >= {200, 400, 401, 403, 404, 405, 413, 415}


def test_other_times_are_as_the_first_and_take_no_more_memory(sent: dict[str, Any]) -> None:
    assert sent["same"]
    assert sent["growth"] < GROWTH
    assert sent["peak"] < PEAK
