"""Messages of the queues: S3's notifications of new objects, and our own that ask for something to be done."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import unquote_plus

from cairn.store.errors import UnreadableError

MESSAGE_VERSION = 1


def object_keys(body: str) -> tuple[str, ...]:
    """Keys of the objects that a message is about, in its order; none for S3's test event and for deletions.

    Takes a notification as S3 sends it to SQS, whose keys are URL-encoded with ``+`` for a space
    (https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html), and a
    ``requeue_message``. Raises ``UnreadableError``: ``message_malformed``, or ``message_too_new``.
    """
    try:
        message = json.loads(body)
        if message.get("Event") == "s3:TestEvent":
            return ()
        if "cairn" in message:
            return own_keys(message)
        return tuple(unquote_plus(record["s3"]["object"]["key"]) for record in message["Records"] if is_new(record))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UnreadableError(
            "message_malformed", f"the message is neither S3's nor Cairn's: {error!r} in {body[:200]!r}"
        ) from error


def requeue_message(upload_key: str) -> str:
    """A message that asks to symbolicate the upload with this ``upload.json`` again."""
    return json.dumps({"cairn": MESSAGE_VERSION, "upload": upload_key})


def assemble_message(sha1: str, plan_id: str) -> str:
    """A message that asks to put a debug file together as planned."""
    return json.dumps({"cairn": MESSAGE_VERSION, "assemble": sha1, "plan": plan_id})


def assembly_in(body: str) -> tuple[str, str] | None:
    """SHA-1 and plan id of an ``assemble_message``; ``None`` for any other text."""
    try:
        message = json.loads(body)
        return str(message["assemble"]), str(message["plan"])
    except (ValueError, KeyError, TypeError):
        return None


def wake_message(debug_id: str | None, code_id: str | None, before: float, sources: bool = False) -> str:
    """A message that asks to wake the crashes that wait for one of these ids, or for its ``sources``, since before
    ``before``."""
    wake = {"debug_id": debug_id, "code_id": code_id, "before": before, "sources": sources}
    return json.dumps({"cairn": MESSAGE_VERSION, "wake": wake})


def waking_in(body: str) -> tuple[tuple[str | None, str | None], float, bool] | None:
    """The ids and the time of a ``wake_message``, and whether it is about sources; ``None`` for any other text."""
    try:
        wake = json.loads(body)["wake"]
        return (wake["debug_id"], wake["code_id"]), float(wake["before"]), wake.get("sources") is True
    except (ValueError, KeyError, TypeError):
        return None


def fetch_message(project_id: int, key: str) -> str:
    """A message that asks to fetch what ``symbols/fetches.py`` has by this key from the project's symbol servers."""
    return json.dumps({"cairn": MESSAGE_VERSION, "fetch": {"project": project_id, "key": key}})


def fetch_in(body: str) -> tuple[int, str] | None:
    """Project and key of a ``fetch_message``; ``None`` for any other text."""
    try:
        fetch = json.loads(body)["fetch"]
        return int(fetch["project"]), str(fetch["key"])
    except (ValueError, KeyError, TypeError):
        return None


def scrub_message(upload_key: str) -> str:
    """A message that asks to scrub the large dump of the upload with this ``upload.json``."""
    return json.dumps({"cairn": MESSAGE_VERSION, "scrub": upload_key})


def scrub_in(body: str) -> str | None:
    """The ``upload.json`` of a ``scrub_message``; ``None`` for any other text."""
    try:
        return str(json.loads(body)["scrub"])
    except (ValueError, KeyError, TypeError):
        return None


def own_keys(message: dict[str, Any]) -> tuple[str, ...]:
    """The key of a ``requeue_message``."""
    if message["cairn"] > MESSAGE_VERSION:
        raise UnreadableError("message_too_new", "the message was made by a newer Cairn: deploy it here too")
    if not isinstance(message["upload"], str):
        raise TypeError("upload is no text")
    return (message["upload"],)


SWEEP = {"cairn": MESSAGE_VERSION, "sweep": True}
"""A message that asks to delete the debug files that nobody needs any more; a schedule sends it."""


FIRST_SOURCES = {"cairn": MESSAGE_VERSION, "first_sources": True}
"""A message that asks to tell crashes that there are source bundles now."""


def is_sweep(body: str) -> bool:
    """Whether a message is ``SWEEP``."""
    return says(body, "sweep")


def is_first_sources(body: str) -> bool:
    """Whether a message is ``FIRST_SOURCES``."""
    return says(body, "first_sources")


def says(body: str, what: str) -> bool:
    """Whether a message asks for this, with nothing more to say."""
    try:
        return json.loads(body)[what] is True
    except (ValueError, KeyError, TypeError):
        return False


def is_new(record: dict[str, Any]) -> bool:
    """Whether a record of a notification tells of an object that was made."""
    return str(record["eventName"]).startswith("ObjectCreated:")
