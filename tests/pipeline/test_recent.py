from __future__ import annotations

import pytest

from cairn.pipeline.recent import KEPT, Recent


class Answers:
    """A look-up that notes what it was asked; ``broken`` makes it fail."""

    broken = False

    def __init__(self) -> None:
        self.asked: list[str] = []

    def __call__(self, name: str) -> str | None:
        self.asked.append(name)
        if self.broken:
            raise RuntimeError
        return name.upper() if name else None


def test_answers_are_remembered_for_a_minute() -> None:
    now, answers = 0.0, Answers()
    recent = Recent(answers, lambda: now)
    assert (recent.get("a"), recent.get("")) == ("A", None)
    now = 59.0
    assert (recent.get("a"), recent.get("")) == ("A", None)
    assert answers.asked == ["a", ""]
    now = 60.0
    assert recent.get("a") == "A"
    assert answers.asked == ["a", "", "a"]


def test_the_one_longest_unused_is_forgotten() -> None:
    answers = Answers()
    recent = Recent(answers, lambda: 0.0)
    recent.get("a")
    for number in range(KEPT):
        recent.get(str(number))
        recent.get("a")
    assert answers.asked.count("a") == 1
    recent.get("0")
    assert answers.asked.count("0") == 2


def test_an_error_is_not_remembered() -> None:
    now, answers = 0.0, Answers()
    recent = Recent(answers, lambda: now)
    recent.get("a")
    now, answers.broken = 61.0, True
    with pytest.raises(RuntimeError):
        recent.get("a")
    answers.broken = False
    assert recent.get("a") == "A"
