"""Secrets out of plain JSON values, with a mark where they were."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from cairn.privacy.names import is_secret_name, plain_name, plain_names
from cairn.privacy.secrets import FILTERED, findings, marker, user_names
from cairn.privacy.settings import Privacy

DEEPEST = 50
"""Levels that are looked at; what lies deeper is taken out. Events have 7."""


class Scrubber:
    """Takes secrets out by a project's settings, and counts them by rule in ``counts``."""

    def __init__(self, privacy: Privacy) -> None:
        self.counts: Counter[str] = Counter()
        self._safe = plain_names(privacy.safe_fields)
        self._sensitive = plain_names(privacy.sensitive_fields)

    def text(self, text: str, *, without: str | None = None) -> str:
        """``text`` with marks in the place of secrets; rule ``without`` is left out."""
        found = findings(text, without)
        for one in reversed(found):
            self.counts[one.rule] += 1
            text = text[: one.start] + marker(one.rule) + text[one.end :]
        return text

    def path(self, path: str) -> str:
        """A file's path with a mark for the user's name. Its last part stays whatever it is."""
        for one in reversed(user_names(path)):
            self.counts[one.rule] += 1
            path = path[: one.start] + marker(one.rule) + path[one.end :]
        return path

    def value(self, value: Any, depth: int = 0) -> Any:
        """A JSON value, all the way down. A field with a secret's name loses its whole value."""
        if isinstance(value, str):
            return self.text(value)
        if depth > DEEPEST:
            return FILTERED
        if isinstance(value, Mapping):
            return {self.text(str(name)): self._field(str(name), inner, depth) for name, inner in value.items()}
        if isinstance(value, list | tuple):
            return type(value)(self.value(inner, depth + 1) for inner in value)
        return value

    def _field(self, name: str, value: Any, depth: int) -> Any:
        plain = plain_name(name)
        if plain in self._safe:
            return value
        if plain in self._sensitive or is_secret_name(name):
            return self._filtered(value)
        if isinstance(value, str) and "version" in plain:
            return self.text(value, without="ip")
        return self.value(value, depth + 1)

    def _filtered(self, value: Any) -> Any:
        """A mark for a value. What says nothing, or was taken out before, stays."""
        if value in (None, "", True, False, FILTERED) or value in ({}, []):
            return value
        self.counts["field"] += 1
        return FILTERED
