"""Who sends: the public key of a DSN, from whichever carrier has it."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from cairn.intake.errors import (
    BadAuthHeaderError,
    BadEnvelopeAuthError,
    BadPublicKeyError,
    InvalidEnvelopeError,
    MissingAuthError,
    MultipleAuthError,
    ProtocolVersionError,
)
from cairn.intake.limits import CLIENT_NAME
from cairn.intake.messages import Request

PROTOCOL_VERSION = 7
KEY_LENGTH = 32
DSN = re.compile(rf"https?://(?P<key>[!-~]{{{KEY_LENGTH}}})(:[^@/]*)?@[^/@]+(/[^?#]*)?/(?P<project>[0-9]{{1,20}})")
SEPARATORS = re.compile(r"[\s,]+")


@dataclass(frozen=True, slots=True)
class Credentials:
    """``public_key`` is 32 ASCII characters; ``client`` is what the client calls itself, when it does."""

    public_key: str
    client: str | None = None


def credentials(request: Request) -> Credentials:
    """The key of a request, from where ``carried_credentials`` finds it; ``MissingAuthError`` when there is none."""
    found = carried_credentials(request)
    if found is None:
        raise MissingAuthError("add ?sentry_key=<public key> to the URL, or send an X-Sentry-Auth header")
    return found


def carried_credentials(request: Request) -> Credentials | None:
    """The key of a request: from ``X-Sentry-Auth``, ``Authorization: Sentry``, ``Authorization: Basic`` (the user) or
    the query; ``None`` when there is none. Raises a ``CredentialsError`` for more than one, or a bad one."""
    found = list(carriers(request))
    if not found:
        return None
    if len(found) > 1:
        raise MultipleAuthError("the key came in more than one of X-Sentry-Auth, Authorization and the query: send one")
    values = found[0]
    check_version(values.get("sentry_version"))
    return Credentials(public_key(values), client_name(request, values.get("sentry_client")))


def envelope_credentials(request: Request, dsn: Any, project_id: int) -> Credentials:
    """The key of an envelope: that of its request, else that of the ``dsn`` in its header. Where both are there they
    must agree, and the DSN with the project in the path.

    Raises a ``CredentialsError``, or ``InvalidEnvelopeError`` when they do not agree.
    """
    carried = carried_credentials(request)
    if dsn is None:
        return carried or credentials(request)
    key, project = dsn_parts(dsn)
    if project != project_id:
        raise InvalidEnvelopeError(f"the dsn in the header is for project {project}, the request for {project_id}")
    if carried and carried.public_key != key:
        raise InvalidEnvelopeError("the dsn in the header has another key than the request")
    return carried or Credentials(key, client_name(request))


def dsn_parts(dsn: Any) -> tuple[str, int]:
    """Key and project of ``https://<key>[:<secret>]@<host>/[<path>/]<project>``. Raises ``BadEnvelopeAuthError``."""
    match = DSN.fullmatch(dsn) if isinstance(dsn, str) else None
    if match is None:
        raise BadEnvelopeAuthError("the dsn in the header must be https://<public key>@<host>/<project>")
    return match["key"], int(match["project"])


def client_name(request: Request, name: str | None = None) -> str | None:
    """What the client calls itself."""
    client = name or request.headers.get("user-agent")
    return client[:CLIENT_NAME] if client else None


def carriers(request: Request) -> Iterator[Mapping[str, str]]:
    """The ``sentry_…`` values of each carrier that the request has."""
    if header := request.headers.get("x-sentry-auth"):
        yield sentry_header(header)
    scheme, _, rest = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "sentry":
        yield pairs(rest)
    elif scheme.lower() == "basic":
        yield {"sentry_key": basic_user(rest)}
    if "sentry_" in request.query:
        yield dict(reversed(parse_qsl(request.query, keep_blank_values=True)))


def sentry_header(header: str) -> Mapping[str, str]:
    """The values of ``Sentry sentry_key=…, sentry_version=7``."""
    scheme, _, rest = header.strip().partition(" ")
    if scheme.lower() != "sentry":
        raise BadAuthHeaderError("the header must begin with the word Sentry: X-Sentry-Auth: Sentry sentry_key=…")
    return pairs(rest)


def pairs(text: str) -> Mapping[str, str]:
    """``a=1, b=2`` or ``a=1 b=2``."""
    values = (pair.partition("=") for pair in SEPARATORS.split(text))
    return {name: value for name, equals, value in values if equals}


def basic_user(text: str) -> str:
    """The user of ``base64(user:password)``."""
    try:
        return base64.b64decode(text.strip(), validate=True).decode("ascii").partition(":")[0]
    except ValueError as error:
        raise BadAuthHeaderError("Authorization: Basic must carry base64 of <public key>:") from error


def check_version(text: str | None) -> None:
    """Pass a protocol version up to ours; none is ours."""
    if not text:
        return
    if not (text.isascii() and text.isdigit() and len(text) <= KEY_LENGTH):
        raise BadAuthHeaderError("sentry_version must be a number")
    if int(text) > PROTOCOL_VERSION:
        raise ProtocolVersionError(int(text), f"this server speaks version {PROTOCOL_VERSION}")


def public_key(values: Mapping[str, str]) -> str:
    """The key without its flags, which follow a dot."""
    if "sentry_key" not in values:
        raise BadAuthHeaderError("sentry_key is missing beside the other sentry_ values")
    key = values["sentry_key"].partition(".")[0]
    if len(key) != KEY_LENGTH or not key.isascii():
        raise BadPublicKeyError("a public key has 32 characters: it stands between https:// and @ in the DSN")
    return key
