from __future__ import annotations

import base64

import pytest

from cairn.intake.auth import Credentials, credentials
from cairn.intake.errors import CredentialsError
from tests.intake.clients import KEY, request


def basic(text: str) -> str:
    return "Basic " + base64.b64encode(text.encode()).decode()


def answer(query: str, headers: dict[str, str]) -> Credentials:
    return credentials(request(headers=headers, query=query))


@pytest.mark.parametrize(
    ("query", "headers"),
    [
        (f"sentry_key={KEY}", {}),
        (f"sentry_version=7&sentry_key={KEY}&sentry_secret=x&sentry_timestamp=1", {}),
        (f"sentry_client=sentry.native/0.16.3&sentry_key={KEY}&product=a&version=1&guid=b", {}),
        (f"sentry_key={KEY}&sentry_key=other", {}),
        (f"sentry_key={KEY}.no-cache", {}),
        (f"sentry_key={KEY}&sentry_version=", {}),
        ("", {"x-sentry-auth": f"Sentry sentry_key={KEY}, sentry_version=7, sentry_client=a/1"}),
        ("", {"x-sentry-auth": f"sentry sentry_version=7 sentry_key={KEY}"}),
        ("", {"x-sentry-auth": f" SENTRY sentry_key={KEY},sentry_version=5"}),
        ("", {"authorization": f"Sentry sentry_key={KEY}"}),
        ("", {"authorization": f"sentry sentry_key={KEY}"}),
        ("", {"authorization": basic(f"{KEY}:")}),
        ("", {"authorization": basic(f"{KEY}:secret")}),
        ("product=x", {"authorization": basic(KEY)}),
        (f"sentry_key={KEY}", {"authorization": "Bearer something"}),
    ],
)
def test_carriers_of_a_key(query: str, headers: dict[str, str]) -> None:
    assert answer(query, headers).public_key == KEY


MISSING = (401, "missing authorization information", "missing_auth")
MULTIPLE = (401, "multiple authorization payloads detected", "multiple_auth")
BAD = (401, "bad x-sentry-auth header", "bad_auth")
BAD_KEY = (400, "bad sentry DSN public key", "bad_public_key")


@pytest.mark.parametrize(
    ("query", "headers", "expected"),
    [
        ("", {}, MISSING),
        ("product=x&guid=1", {}, MISSING),
        ("", {"authorization": "Bearer x"}, MISSING),
        ("", {"authorization": "Sentry"}, BAD),
        (f"sentry_key={KEY}", {"x-sentry-auth": f"Sentry sentry_key={KEY}"}, MULTIPLE),
        (f"sentry_key={KEY}", {"authorization": f"Sentry sentry_key={KEY}"}, MULTIPLE),
        (f"sentry_key={KEY}", {"authorization": basic(f"{KEY}:")}, MULTIPLE),
        ("", {"authorization": basic(f"{KEY}:"), "x-sentry-auth": f"Sentry sentry_key={KEY}"}, MULTIPLE),
        ("", {"x-sentry-auth": "Sentry "}, BAD),
        ("", {"x-sentry-auth": f"sentry_key={KEY}"}, BAD),
        ("", {"x-sentry-auth": "Sentry sentry_version=7"}, BAD),
        ("", {"x-sentry-auth": "Sentry " + "x" * 100_000}, BAD),
        ("", {"x-sentry-auth": f"Sentry sentry_key={KEY}, sentry_version=seven"}, BAD),
        ("", {"authorization": "Basic !!!"}, BAD),
        ("", {"authorization": "Basic ü"}, BAD),
        ("", {"authorization": "Basic " + base64.b64encode(b"\xff").decode()}, BAD),
        ("sentry_version=7", {}, BAD),
        (f"sentry_key={KEY}&sentry_version=9" + "9" * 5000, {}, BAD),
        ("sentry_key=", {}, BAD_KEY),
        ("sentry_key=short", {}, BAD_KEY),
        (f"sentry_key={KEY}0", {}, BAD_KEY),
        ("sentry_key=" + "%C3%BC" * 32, {}, BAD_KEY),
        ("", {"authorization": basic(":x")}, BAD_KEY),
        (f"sentry_key={KEY}&sentry_version=8", {}, (400, "unsupported protocol version (8)", "bad_version")),
    ],
)
def test_bad_credentials(query: str, headers: dict[str, str], expected: tuple[int, str, str]) -> None:
    with pytest.raises(CredentialsError) as caught:
        answer(query, headers)
    assert (caught.value.status, caught.value.detail, caught.value.reason) == expected
    assert caught.value.causes


def test_an_unescaped_slash_in_the_client() -> None:
    assert answer(f"sentry_client=sentry.native/0.16.3&sentry_key={KEY}", {}).client == "sentry.native/0.16.3"
