"""What a private symbol server is shown: user and password (RFC 7617), a bearer token (RFC 6750), or one header."""

from __future__ import annotations

import re
from base64 import b64encode
from dataclasses import dataclass, field
from ipaddress import ip_address
from urllib.parse import urlsplit

from cairn.symbols.sources.addresses import SourceError
from cairn.symbols.sources.records import CredentialKind, Credentials

NAME_LIMIT = 200
SECRET_LIMIT = 4096
"""Characters; servers take 8 KB of headers as a rule."""

TAKEN = ("host", "connection", "content-length", "transfer-encoding", "accept-encoding", "range", "te", "upgrade")
"""Headers that say something of the request itself."""

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_VISIBLE = re.compile(r"[!-~]([ -~]*[!-~])?")


@dataclass(frozen=True, slots=True)
class AuthHeader:
    """The header that is sent. Neither its value nor the secret in it is ever printed."""

    name: str
    value: str = field(repr=False)
    secret: str = field(repr=False)

    def hidden_in(self, text: str) -> str:
        """A text, which may have been made of what a server sent, without the secret."""
        for part in (self.value, self.value.rpartition(" ")[2], self.secret):
            text = text.replace(part, "***")
        return text


def auth_header(credentials: Credentials, secret: str) -> AuthHeader:
    """What a server is shown."""
    match credentials.kind:
        case CredentialKind.BASIC:
            pair = b64encode(f"{credentials.name}:{secret}".encode()).decode()
            return AuthHeader("Authorization", f"Basic {pair}", secret)
        case CredentialKind.BEARER:
            return AuthHeader("Authorization", f"Bearer {secret}", secret)
    return AuthHeader(str(credentials.name), secret, secret)


def checked_credentials(credentials: Credentials, url: str) -> Credentials:
    """The credentials of a source with this address. Raises ``SourceError``."""
    parts = urlsplit(url)
    if parts.scheme == "s3":
        raise SourceError("a bucket is read with the rights of the function Compile, and needs no credentials")
    if parts.scheme != "https" and not is_loopback(parts.hostname or ""):
        raise SourceError("credentials are sent over https:// only: give the server's https:// address")
    problem = _problem(credentials.kind, credentials.name or "")
    if problem:
        raise SourceError(problem)
    return credentials


def checked_secret(kind: CredentialKind, secret: str) -> str:
    """A password, token or value of a header, which no error text repeats. Raises ``SourceError``."""
    if not secret:
        raise SourceError("the secret is empty")
    if len(secret) > SECRET_LIMIT:
        raise SourceError(f"the secret has more than {SECRET_LIMIT} characters")
    if kind is CredentialKind.BASIC:
        if not secret.isprintable():
            raise SourceError("the password has characters that cannot be typed")
    elif not _VISIBLE.fullmatch(secret):
        raise SourceError("the secret must be visible ASCII characters, as a header can have them")
    return secret


def is_loopback(host: str) -> bool:
    """Whether a host is this machine, as far as its name says."""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def _problem(kind: CredentialKind, name: str) -> str | None:
    if len(name) > NAME_LIMIT:
        return f"the name has more than {NAME_LIMIT} characters"
    if kind is CredentialKind.BASIC and (not name or ":" in name or not name.isprintable()):
        return "a user has a name without a colon"
    if kind is CredentialKind.HEADER and (not _TOKEN.fullmatch(name) or name.lower() in TAKEN):
        return f"{name!r} is no header that says who asks"
    return None
