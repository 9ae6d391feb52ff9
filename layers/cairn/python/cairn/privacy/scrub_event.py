"""Secrets out of an event, before it is stored.

What makes the event useful stays: names of functions and files, registers, ids, releases. Of the path of a file only
the user's name goes, in every place alike, so that frames still belong to their modules.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from types import MappingProxyType
from typing import Any, TypeVar

from pydantic import BaseModel

from cairn.crash.event import Event, ExceptionValue, Frame, Image, ProcessingError, Stacktrace, ThreadValue
from cairn.privacy.scrub_json import Scrubber
from cairn.privacy.settings import Privacy

FREE = ("extra", "tags", "contexts", "user", "breadcrumbs", "message", "sdk")
"""Fields of an event that hold whatever a client puts there."""
TEXTS = ("title", "culprit", "transaction", "logger", "server_name", "fingerprint")

Model = TypeVar("Model", bound=BaseModel)


def scrubbed(event: Event, privacy: Privacy, before: Mapping[str, int] = MappingProxyType({})) -> Event:
    """``event`` without what is private by the project's settings. ``cairn.scrubbed`` says how much was taken out, by
    rule, here and ``before``; it is empty where nothing was found, and ``None`` where nothing was looked for."""
    if not privacy.scrub:
        return event
    return _EventScrubber(privacy, before).event(event)


class _EventScrubber:
    def __init__(self, privacy: Privacy, before: Mapping[str, int]) -> None:
        self._scrubber = Scrubber(privacy)
        self._scrubber.counts.update(before)
        self._text = self._scrubber.text
        self._path = cache(self._scrubber.path)

    def event(self, event: Event) -> Event:
        plain = {name: self._scrubber.value(getattr(event, name)) for name in FREE + TEXTS}
        cleaned = changed(
            event,
            **plain,
            exception=changed(event.exception, values=tuple(map(self._exception, event.exception.values))),
            threads=changed(event.threads, values=tuple(map(self._thread, event.threads.values))),
            debug_meta=changed(event.debug_meta, images=tuple(map(self._image, event.debug_meta.images))),
            errors=tuple(map(self._error, event.errors)),
        )
        return changed(cleaned, cairn=self._cairn(event))

    def _cairn(self, event: Event) -> Any:
        cairn = event.cairn
        done = changed(
            cairn,
            explanation=self._optional(cairn.explanation),
            facts=self._scrubber.value(cairn.facts),
            unloaded_modules=tuple(self._scrubber.value(module) for module in cairn.unloaded_modules),
            attachments=tuple(changed(file, name=self._text(file.name)) for file in cairn.attachments),
            problems=tuple(map(self._text, cairn.problems)),
        )
        return changed(done, scrubbed=dict(sorted(self._scrubber.counts.items())))

    def _exception(self, value: ExceptionValue | dict[str, Any]) -> ExceptionValue | dict[str, Any]:
        if not isinstance(value, ExceptionValue):
            return dict(self._scrubber.value(value))
        mechanism = changed(
            value.mechanism,
            description=self._optional(value.mechanism.description),
            meta=self._scrubber.value(value.mechanism.meta),
        )
        return changed(
            value,
            type=self._text(value.type),
            value=self._optional(value.value),
            mechanism=mechanism,
            stacktrace=self._stack(value.stacktrace),
        )

    def _thread(self, thread: ThreadValue) -> ThreadValue:
        return changed(thread, name=self._optional(thread.name), stacktrace=self._stack(thread.stacktrace))

    def _stack(self, stack: Stacktrace | None) -> Stacktrace | None:
        return changed(stack, frames=tuple(map(self._frame, stack.frames))) if stack else None

    def _frame(self, frame: Frame) -> Frame:
        return changed(frame, **self._paths(frame, "package", "abs_path", "filename"))

    def _image(self, image: Image) -> Image:
        return changed(image, **self._paths(image, "code_file", "debug_file"), reason=self._optional(image.reason))

    def _error(self, error: ProcessingError) -> ProcessingError:
        value = self._scrubber.value({error.name or "": error.value})
        return changed(
            error,
            **self._paths(error, "image_path"),
            message=self._optional(error.message),
            value=next(iter(value.values())),
        )

    def _paths(self, model: BaseModel, *names: str) -> Mapping[str, str | None]:
        return {name: self._path(path) if (path := getattr(model, name)) else path for name in names}

    def _optional(self, text: str | None) -> str | None:
        return self._text(text) if text else text


def changed(model: Model, **values: Any) -> Model:
    """``model`` with other values, and itself where they are the same: an event has thousands of frames."""
    new = {name: value for name, value in values.items() if getattr(model, name) != value}
    return model.model_copy(update=new) if new else model
