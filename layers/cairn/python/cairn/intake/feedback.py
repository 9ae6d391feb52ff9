"""What users say of a crash: the older ``user_report`` and the newer ``feedback``, as one record."""

from __future__ import annotations

from typing import Any

from cairn.intake.limits import FEEDBACK_MESSAGE, FEEDBACK_NAME
from cairn.intake.upload import Feedback
from cairn.intake.values import Object, event_id


def user_report(said: Object, wanted: str | None) -> Feedback | None:
    """The feedback in a ``user_report``; ``wanted`` is the event that its envelope names. ``None`` when it names no
    event, or says nothing."""
    about = event_id(said.get("event_id")) or wanted
    return written(about, said.get("name"), said.get("email"), said.get("comments"))


def feedback_of_event(said: Object, wanted: str | None) -> Feedback | None:
    """The feedback in a ``feedback`` item, an event with a context for it. It is about the event that it is associated
    with, and else an event of its own."""
    contexts = said.get("contexts")
    context = contexts.get("feedback") if isinstance(contexts, dict) else None
    if not isinstance(context, dict):
        return None
    about = event_id(context.get("associated_event_id")) or wanted or event_id(said.get("event_id"))
    return written(about, context.get("name"), context.get("contact_email"), context.get("message"))


def written(about: str | None, name: Any, email: Any, message: Any) -> Feedback | None:
    """Feedback, cut to size; ``None`` when it is about nothing, or empty."""
    if about is None or not cut(message, FEEDBACK_MESSAGE):
        return None
    return Feedback(about, cut(name, FEEDBACK_NAME), cut(email, FEEDBACK_NAME), cut(message, FEEDBACK_MESSAGE) or "")


def cut(value: Any, longest: int) -> str | None:
    """A text without space around it, ``None`` when nothing is left of it."""
    return (value.strip()[:longest] or None) if isinstance(value, str) else None
