"""What goes wrong in the store.

StoreError
├── UnavailableError  throttled, unreachable or broken for now: the same call may work later
├── RefusedError      not allowed, not deployed or not valid: the same call will fail again
├── UnreadableError   what is stored cannot be read by this version, or is larger than the reader takes
└── TakenError        a name is in use already

What is simply not there (never was, or has expired) is ``None`` or ``False``, not an error.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from botocore.exceptions import BotoCoreError, ClientError, ConnectionError, HTTPClientError, IncompleteReadError

THROTTLED = {
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "RequestThrottled",
    "RequestTimeout",
    "SlowDown",
    "Throttling",
    "ThrottlingException",
    "TooManyRequestsException",
    "TransactionConflictException",
    "ConditionalRequestConflict",
}
MISSING_PLACE = {
    "NoSuchBucket",
    "ResourceNotFoundException",
    "AWS.SimpleQueueService.NonExistentQueue",
    "QueueDoesNotExist",
}
DENIED = {"AccessDenied", "AccessDeniedException", "403", "InvalidAccessKeyId", "SignatureDoesNotMatch", "ExpiredToken"}


class StoreError(Exception):
    """A call on the store failed. ``code`` is stable and snake_case, ``message`` is for a person."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class UnavailableError(StoreError):
    """``store_throttled``, ``store_unreachable``, ``store_failed``."""


class RefusedError(StoreError):
    """``store_denied``, ``store_not_deployed``, ``store_invalid``."""


class UnreadableError(StoreError):
    """``upload_too_new``, ``upload_malformed``, ``message_malformed``, ``object_too_large``, ``bad_cursor`` …"""


class TakenError(StoreError):
    """``project_exists``."""


@contextmanager
def store_errors(what: str) -> Iterator[None]:
    """Raise ``StoreError`` in place of botocore's errors. ``what`` names the call (``get table Events``)."""
    try:
        yield
    except ClientError as error:
        raise from_client_error(error, what) from error
    except (ConnectionError, HTTPClientError, IncompleteReadError) as error:
        raise UnavailableError("store_unreachable", f"{what}: {error}") from error
    except BotoCoreError as error:
        raise RefusedError("store_invalid", f"{what}: {error}") from error


def from_client_error(error: ClientError, what: str) -> StoreError:
    """The ``StoreError`` for an answer of AWS, by its error code and else by its HTTP status."""
    code = error_code(error)
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 500)
    message = f"{what}: {code}: {error.response['Error'].get('Message', '')}"
    if code in THROTTLED:
        return UnavailableError("store_throttled", message)
    if code in MISSING_PLACE:
        return RefusedError("store_not_deployed", message)
    if code in DENIED:
        return RefusedError("store_denied", message)
    if status >= 500:
        return UnavailableError("store_failed", message)
    return RefusedError("store_invalid", message)


def error_code(error: ClientError) -> str:
    """AWS's code of an error; for a HEAD, which has no body, the HTTP status as text."""
    return str(error.response["Error"].get("Code", "unknown"))
