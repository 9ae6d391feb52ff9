"""``STACK WIN``: x86 Windows."""

from __future__ import annotations

from cairn.symbols.rules import WinRule
from cairn.unwind.architecture import Step
from cairn.unwind.frames import Frame
from cairn.unwind.process import StackView


def unwind(view: StackView, frame: Frame, rule: WinRule, callee_parameter_size: int) -> Step:
    """TODO"""
    return None
