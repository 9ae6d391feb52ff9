"""What the API refuses: each error becomes ``{"detail": message}`` with its status.

ApiError
├── BadRequestError    400  the request makes no sense, or its chunks are too large
├── UnauthorizedError  401  no token, or none that is taken
├── ForbiddenError     403  the token does not allow this
├── NotFoundError      404  there is nothing by that name
└── TooLargeError      413  the file is too large for this way in; the message names another
"""

from __future__ import annotations


class ApiError(Exception):
    """A request that is refused. The message is for a person, and is what sentry-cli prints."""

    status = 500

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class BadRequestError(ApiError):
    status = 400


class UnauthorizedError(ApiError):
    status = 401


class ForbiddenError(ApiError):
    status = 403


class NotFoundError(ApiError):
    status = 404


class TooLargeError(ApiError):
    status = 413
