"""What the command line tells a person when something cannot be done."""

from __future__ import annotations


class CliError(Exception):
    """Stops the command with exit code 1. The message says what is wrong; ``hint``, if any, what to do about it."""

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.hint = hint
