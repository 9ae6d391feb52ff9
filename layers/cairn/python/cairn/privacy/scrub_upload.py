"""Secrets out of what a client says of its crash, before it is kept: its event as it came, names of files, feedback.

It is the event of a form's fields or of an SDK, with fields that no event of Cairn has, and of any shape. What an event
is made of stays as in ``scrub_event``: release, environment, names of functions, paths but for users' names.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cairn.privacy.names import is_secret_name
from cairn.privacy.scrub_json import DEEPEST, Scrubber
from cairn.privacy.secrets import FILTERED
from cairn.privacy.settings import Privacy

KEPT = frozenset(
    ("event_id", "release", "environment", "dist", "platform", "level", "type", "timestamp", "received", "version")
)
"""Fields of an event that are left alone: what they say is needed, or cannot be private."""
STACKS = frozenset(("exception", "threads", "stacktrace", "debug_meta"))
PATHS = frozenset(("package", "abs_path", "filename", "code_file", "debug_file"))
"""Fields below ``STACKS`` that are paths of files, and those that are no text."""
NAMES = frozenset(
    ("function", "raw_function", "symbol", "module", "code_id", "debug_id", "instruction_addr", "symbol_addr", "arch")
)
FREE = frozenset(("vars", "meta", "data", "pre_context", "context_line", "post_context"))
"""Fields below ``STACKS`` that hold whatever a client puts there."""


@dataclass(frozen=True, slots=True)
class ScrubbedUpload:
    """An event and names of files as they are to be kept, and how often each rule found something."""

    event: Mapping[str, Any]
    names: tuple[str, ...]
    counts: dict[str, int]


def scrub_upload(event: Mapping[str, Any], names: Sequence[str], privacy: Privacy) -> ScrubbedUpload:
    """A client's event and the names of its files without their secrets. Doing it twice changes nothing."""
    scrubber = _UploadScrubber(privacy)
    cleaned = {name: scrubber.field(name, value) for name, value in event.items()}
    files = tuple(map(scrubber.text, names))
    return ScrubbedUpload(cleaned, files, dict(sorted(scrubber.counts.items())))


def scrub_message(message: str, privacy: Privacy) -> str:
    """What a user says without its secrets. An address stays: who writes one there wants an answer."""
    return Scrubber(privacy).text(message, without="email") if privacy.scrub else message


class _UploadScrubber:
    def __init__(self, privacy: Privacy) -> None:
        self._scrubber = Scrubber(privacy)
        self.text = self._scrubber.text
        self.counts = self._scrubber.counts

    def field(self, name: str, value: Any) -> Any:
        """A field of the event."""
        if name in KEPT:
            return value
        if name in STACKS:
            return self._stacks(value)
        if name == "tags":
            return self._pairs(value)
        if name == "request" and isinstance(value, Mapping):
            return {inner: self._pairs(what) for inner, what in self._free(name, value).items()}
        return self._free(name, value)

    def _free(self, name: str, value: Any) -> Any:
        return next(iter(self._scrubber.value({name: value}).values()))

    def _pairs(self, value: Any) -> Any:
        """Fields with their names, also as a list of pairs, as tags and headers may come."""
        if not isinstance(value, list):
            return self._scrubber.value(value)
        return [self._pair(one) for one in value]

    def _pair(self, value: Any) -> Any:
        if isinstance(value, list) and len(value) == 2 and isinstance(value[0], str):
            return [self.text(value[0]), self._free(value[0], value[1])]
        return self._scrubber.value(value)

    def _stacks(self, value: Any, depth: int = 0) -> Any:
        """Exceptions, threads, frames and modules."""
        if depth > DEEPEST:
            return FILTERED
        if isinstance(value, Mapping):
            return {name: self._of_stack(name, inner, depth) for name, inner in value.items()}
        if isinstance(value, list):
            return [self._stacks(inner, depth + 1) for inner in value]
        return self.text(value) if isinstance(value, str) else value

    def _of_stack(self, name: str, value: Any, depth: int) -> Any:
        if name in NAMES:
            return value if not isinstance(value, Mapping | list) else self._stacks(value, depth + 1)
        if name in PATHS and isinstance(value, str):
            return self._scrubber.path(value)
        if name in FREE or is_secret_name(name):
            return self._free(name, value)
        return self._stacks(value, depth + 1)
