"""What private symbol servers are shown, and what can be none."""

from __future__ import annotations

import pytest

from cairn.symbols.sources.addresses import SourceError
from cairn.symbols.sources.credentials import (
    SECRET_LIMIT,
    auth_header,
    checked_credentials,
    checked_secret,
    is_loopback,
)
from cairn.symbols.sources.records import CredentialKind, Credentials

BASIC, BEARER, HEADER = CredentialKind


def of(kind: CredentialKind, name: str | None = None) -> Credentials:
    return Credentials(kind, name, 1_800_000_000.5)


@pytest.mark.parametrize(
    ("credentials", "secret", "header"),
    [  # the first is the example of RFC 7617, 2; the second has its example of UTF-8
        (of(BASIC, "Aladdin"), "open sesame", ("Authorization", "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==")),
        (of(BASIC, "test"), "123£", ("Authorization", "Basic dGVzdDoxMjPCow==")),
        (of(BEARER), "mF_9.B5f-4.1JqM", ("Authorization", "Bearer mF_9.B5f-4.1JqM")),
        (of(HEADER, "X-JFrog-Art-Api"), "AKC", ("X-JFrog-Art-Api", "AKC")),
    ],
    ids=["basic", "basic in UTF-8", "bearer", "header"],
)
def test_a_server_is_shown_what_its_kind_wants(credentials: Credentials, secret: str, header: tuple[str, str]) -> None:
    made = auth_header(credentials, secret)
    assert (made.name, made.value) == header


def test_a_secret_is_never_printed() -> None:
    made = auth_header(of(BASIC, "Aladdin"), "open sesame")
    assert "sesame" not in repr(made) and "QWxh" not in repr(made)
    said = "no Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ== here; QWxhZGRpbjpvcGVuIHNlc2FtZQ== is open sesame"
    assert made.hidden_in(said) == "no *** here; *** is ***"


@pytest.mark.parametrize("url", ["https://x.example/a", "http://127.0.0.1:8000", "http://[::1]/", "http://localhost/"])
def test_where_credentials_may_go(url: str) -> None:
    assert checked_credentials(of(BEARER), url) == of(BEARER)


@pytest.mark.parametrize(
    ("credentials", "url", "says"),
    [
        (of(BEARER), "http://x.example", "over https:// only"),
        (of(BEARER), "http://127.0.0.1.x.example", "over https:// only"),
        (of(BEARER), "s3://bucket/x", "rights of the function Compile"),
        (of(BASIC, ""), "https://x.example", "a user has a name"),
        (of(BASIC, "a:b"), "https://x.example", "without a colon"),
        (of(BASIC, "a\nb"), "https://x.example", "a user has a name"),
        (of(BASIC, "a" * 201), "https://x.example", "more than 200"),
        (of(HEADER, "Host"), "https://x.example", "no header that says who asks"),
        (of(HEADER, "X: y\r\nZ"), "https://x.example", "no header that says who asks"),
        (of(HEADER, ""), "https://x.example", "no header that says who asks"),
    ],
    ids=["http", "not this machine", "bucket", "nobody", "colon", "line", "long", "host", "two headers", "no header"],
)
def test_credentials_that_cannot_be(credentials: Credentials, url: str, says: str) -> None:
    with pytest.raises(SourceError, match=says):
        checked_credentials(credentials, url)


@pytest.mark.parametrize(
    ("kind", "secret"),
    [(BASIC, ""), (BASIC, "q\nz"), (BEARER, "q\r\nX: y"), (BEARER, " qzq"), (HEADER, "qä"), (HEADER, "a" * 5000)],
    ids=["none", "two lines", "two headers", "blank before", "no ASCII", "long"],
)
def test_a_secret_that_cannot_be_sent_is_not_repeated(kind: CredentialKind, secret: str) -> None:
    with pytest.raises(SourceError) as refusal:
        checked_secret(kind, secret)
    assert not secret or secret not in str(refusal.value)


def test_secrets_that_can_be_sent() -> None:
    assert checked_secret(BASIC, "päss word:£") == "päss word:£"
    assert checked_secret(HEADER, "token abc") == "token abc"
    assert checked_secret(BEARER, "a" * SECRET_LIMIT)


def test_this_machine_has_these_names() -> None:
    assert [is_loopback(host) for host in ("localhost", "127.8.8.8", "::1")] == [True] * 3
    assert [is_loopback(host) for host in ("", "127.1", "localhost.example", "10.0.0.1")] == [False] * 4
