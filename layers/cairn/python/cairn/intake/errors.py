"""What intake refuses, and how it says so.

IntakeError                       status  detail                                                 reason
├── NoSuchRouteError                 404  not found                                              not_found
├── WrongMethodError                 405  method not allowed                                     method_not_allowed
├── BadProjectError                  400  bad project path parameter                             bad_project
├── BadEventPathError                400  bad event path parameter                               bad_event_path
├── CredentialsError
│   ├── MissingAuthError             401  missing authorization information                      missing_auth
│   ├── MultipleAuthError            401  multiple authorization payloads detected               multiple_auth
│   ├── BadAuthHeaderError           401  bad x-sentry-auth header                               bad_auth
│   ├── BadEnvelopeAuthError         401  bad envelope authentication header                     bad_envelope_auth
│   ├── BadPublicKeyError            400  bad sentry DSN public key                              bad_public_key
│   └── ProtocolVersionError         400  unsupported protocol version (N)                       bad_version
├── ProjectRejectedError             403  event submission rejected with_reason: ProjectId       project_id
├── BodyError
│   ├── UnknownEncodingError         415  unsupported content encoding                           unsupported_encoding
│   ├── InvalidBodyError             400  invalid request body                                   invalid_body
│   ├── InvalidMultipartError        400  invalid multipart data                                 invalid_multipart
│   ├── MissingMinidumpError         400  missing minidump                                       missing_minidump_upload
│   ├── InvalidMinidumpError         400  invalid minidump                                       invalid_minidump
│   ├── InvalidCompressionError      400  invalid compression format                             invalid_compression
│   ├── InvalidMsgpackError          400  invalid messagepack data                               invalid_msgpack
│   ├── EmptyBodyError               400  empty request body                                     empty_body
│   ├── InvalidEnvelopeError         400  invalid event envelope                                 invalid_envelope
│   └── InvalidJsonError             400  invalid JSON data                                      invalid_json
├── UploadError
│   ├── InvalidUploadError           400  invalid upload                                         invalid_upload
│   ├── NoSuchUploadError            404  upload not found                                       no_such_upload
│   ├── IncompleteUploadError        409  upload not complete                                    incomplete_upload
│   ├── UploadVersionError           412  unsupported tus version                                upload_version
│   ├── UploadTypeError              415  unsupported upload content type                        upload_content_type
│   ├── UploadOffsetError            409  upload offset mismatch                                 upload_offset
│   └── UploadTooLargeError          413  upload exceeded size limits                            too_large:upload
├── RequestTooLargeError             413  request content exceeded size limits                   too_large:request
├── ItemTooLargeError                413  envelope exceeded size limits for type 'T' (…)         too_large:T
├── RequestTimeoutError              408  request timed out                                      request_timeout
├── OverloadedError                  503  failed to queue envelope                               overloaded
├── ProjectUnavailableError          503  project not available                                  project_unavailable
└── StoringFailedError               500  failed to upload file                                  storing_failed

Statuses and details are Relay's, so that a client sees no difference; ``causes`` are ours and say what was wrong and
what to do. ``reason`` is stable: it is what logs and metrics count by.
"""

from __future__ import annotations

from typing import ClassVar

OTHER_DOORS = (
    "`cairn submit FILE` sends dumps of up to 5 GiB, and the large_uploads stack takes larger requests: "
    "docs/large-uploads.md"
)
"""What to do with what is too large."""

SIZE_LIMITS_PAGE = "https://develop.sentry.dev/sdk/envelopes/#size-limits"


class IntakeError(Exception):
    """A request that is refused. ``causes`` are sentences for the person who looks at the answer."""

    status: ClassVar[int] = 400
    detail: str
    reason: str

    def __init__(self, *causes: str) -> None:
        super().__init__(self.detail, *causes)
        self.causes = causes


class NoSuchRouteError(IntakeError):
    """A path that intake does not serve."""

    status = 404
    detail = "not found"
    reason = "not_found"


class WrongMethodError(IntakeError):
    """Neither OPTIONS nor what is sent here, which is mostly POST."""

    status = 405
    detail = "method not allowed"
    reason = "method_not_allowed"

    def __init__(self, *causes: str, allowed: tuple[str, ...] = ("POST",)) -> None:
        super().__init__(*causes)
        self.allowed = (*allowed, "OPTIONS")


class BadProjectError(IntakeError):
    """The project in the path is not an unsigned number of 64 bits."""

    detail = "bad project path parameter"
    reason = "bad_project"


class BadEventPathError(IntakeError):
    """The event in the path is not an id."""

    detail = "bad event path parameter"
    reason = "bad_event_path"


class CredentialsError(IntakeError):
    """What should tell the client key does not."""

    status = 401


class MissingAuthError(CredentialsError):
    """No carrier of a key."""

    detail = "missing authorization information"
    reason = "missing_auth"


class MultipleAuthError(CredentialsError):
    """More than one carrier of a key."""

    detail = "multiple authorization payloads detected"
    reason = "multiple_auth"


class BadAuthHeaderError(CredentialsError):
    """A carrier that cannot be read, be it a header or the query."""

    detail = "bad x-sentry-auth header"
    reason = "bad_auth"


class BadEnvelopeAuthError(CredentialsError):
    """A ``dsn`` in the header of an envelope that cannot be read."""

    detail = "bad envelope authentication header"
    reason = "bad_envelope_auth"


class BadPublicKeyError(CredentialsError):
    """A key that is not 32 ASCII characters."""

    status = 400
    detail = "bad sentry DSN public key"
    reason = "bad_public_key"


class ProtocolVersionError(CredentialsError):
    """A protocol newer than the one spoken here."""

    status = 400
    reason = "bad_version"

    def __init__(self, version: int, *causes: str) -> None:
        self.detail = f"unsupported protocol version ({version})"
        super().__init__(*causes)


class ProjectRejectedError(IntakeError):
    """The key is unknown or disabled, or another project's."""

    status = 403
    detail = "event submission rejected with_reason: ProjectId"
    reason = "project_id"


class BodyError(IntakeError):
    """The body is not what it should be."""


class UnknownEncodingError(BodyError):
    """A ``Content-Encoding`` that is not decoded here."""

    status = 415
    detail = "unsupported content encoding"
    reason = "unsupported_encoding"


class InvalidBodyError(BodyError):
    """A body whose ``Content-Encoding`` is broken."""

    detail = "invalid request body"
    reason = "invalid_body"


class InvalidMultipartError(BodyError):
    """A form that cannot be read, or whose dump is larger than a file may be."""

    detail = "invalid multipart data"
    reason = "invalid_multipart"


class MissingMinidumpError(BodyError):
    """A form without a file in ``upload_file_minidump``."""

    detail = "missing minidump"
    reason = "missing_minidump_upload"


class InvalidMinidumpError(BodyError):
    """A dump that does not begin with ``MDMP`` or ``PMDM``."""

    detail = "invalid minidump"
    reason = "invalid_minidump"


class InvalidCompressionError(BodyError):
    """A compressed dump that cannot be unpacked."""

    detail = "invalid compression format"
    reason = "invalid_compression"


class InvalidMsgpackError(BodyError):
    """A ``__sentry-event`` that is not a msgpack map with, at most, a good event id."""

    detail = "invalid messagepack data"
    reason = "invalid_msgpack"


class EmptyBodyError(BodyError):
    """No body where there must be one."""

    detail = "empty request body"
    reason = "empty_body"


class InvalidEnvelopeError(BodyError):
    """An envelope that cannot be read, or that is meant for another key or project."""

    detail = "invalid event envelope"
    reason = "invalid_envelope"


class InvalidJsonError(BodyError):
    """An event that is not an object of JSON, and no dump beside it."""

    detail = "invalid JSON data"
    reason = "invalid_json"


class UploadError(IntakeError):
    """An upload in more than one step that cannot be begun or go on."""


class InvalidUploadError(UploadError):
    """What should describe an upload, or a step of it, does not."""

    detail = "invalid upload"
    reason = "invalid_upload"


class NoSuchUploadError(UploadError):
    """An upload that never was, or has been given up."""

    status = 404
    detail = "upload not found"
    reason = "no_such_upload"


class IncompleteUploadError(UploadError):
    """An upload that is to be completed, and lacks parts."""

    status = 409
    detail = "upload not complete"
    reason = "incomplete_upload"


class UploadVersionError(UploadError):
    """A version of the tus protocol that is not spoken here, or none."""

    status = 412
    detail = "unsupported tus version"
    reason = "upload_version"


class UploadTypeError(UploadError):
    """A content type where there must be none, or another than that of a piece."""

    status = 415
    detail = "unsupported upload content type"
    reason = "upload_content_type"


class UploadOffsetError(UploadError):
    """A piece that does not begin where the one before it ended."""

    status = 409
    detail = "upload offset mismatch"
    reason = "upload_offset"


class UploadTooLargeError(UploadError):
    """More than even an upload of its own may have."""

    status = 413
    detail = "upload exceeded size limits"
    reason = "too_large:upload"


class RequestTooLargeError(IntakeError):
    """The request as a whole is too large. The last cause names the other doors."""

    status = 413
    detail = "request content exceeded size limits"
    reason = "too_large:request"

    def __init__(self, *causes: str) -> None:
        super().__init__(*causes, OTHER_DOORS)


class ItemTooLargeError(IntakeError):
    """One item is too large: ``form_data``, ``attachment:minidump``, ``attachment:event_payload`` … The last cause
    names the other doors."""

    status = 413

    def __init__(self, item: str, *causes: str) -> None:
        self.detail = f"envelope exceeded size limits for type '{item}' ({SIZE_LIMITS_PAGE})"
        self.reason = f"too_large:{item}"
        super().__init__(*causes, OTHER_DOORS)


class RequestTimeoutError(IntakeError):
    """The body came too slowly. Only a server that reads it from the socket can tell."""

    status = 408
    detail = "request timed out"
    reason = "request_timeout"


class OverloadedError(IntakeError):
    """More requests at a time than a server takes."""

    status = 503
    detail = "failed to queue envelope"
    reason = "overloaded"


class ProjectUnavailableError(IntakeError):
    """The key could not be looked up."""

    status = 503
    detail = "project not available"
    reason = "project_unavailable"


class StoringFailedError(IntakeError):
    """The upload could not be stored."""

    status = 500
    detail = "failed to upload file"
    reason = "storing_failed"
