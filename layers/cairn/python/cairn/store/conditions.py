"""Writes to S3 that hold only if nobody else was faster."""

from __future__ import annotations

from collections.abc import Callable, Set

from botocore.exceptions import ClientError

from cairn.store.errors import error_code

MISSING = {"NoSuchKey", "404", "NotFound"}
EXISTS = {"PreconditionFailed", "412"}
CONFLICT_TRIES = 3
"""S3 answers 409 ``ConditionalRequestConflict`` when two conditional writes meet, and asks to try again."""


def first_wins(write: Callable[[], object], lost: Set[str] = frozenset(EXISTS)) -> bool:
    """Do a conditional write; ``False`` when the object is there already, or whatever else ``lost`` says."""
    for attempt in range(CONFLICT_TRIES):
        try:
            write()
        except ClientError as error:
            if error_code(error) in lost:
                return False
            if error_code(error) != "ConditionalRequestConflict" or attempt == CONFLICT_TRIES - 1:
                raise
        else:
            return True
    raise AssertionError("unreachable")
