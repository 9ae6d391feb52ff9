"""What is found in text, what is left alone, and that no text makes it slow."""

from __future__ import annotations

import time

import pytest

from cairn.privacy.names import is_secret_name
from cairn.privacy.secrets import findings

KEY = "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\nMIIEow+/=\n-----END RSA PRIVATE KEY-----"
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9P"

FOUND = {
    "mail to bob.smith+x@mail.example.co.uk now": [("email", "bob.smith+x@mail.example.co.uk")],
    "from 192.168.3.17:80": [("ip", "192.168.3.17")],
    "http://10.1.2.3/x": [("ip", "10.1.2.3")],
    "peer 2001:db8::8a2e:370:7334 left": [("ip", "2001:db8::8a2e:370:7334")],
    "peer ::ffff:10.1.2.3 left": [("ip", "::ffff:10.1.2.3")],
    "card 4111 1111 1111 1111.": [("creditcard", "4111 1111 1111 1111")],
    "card 378282246310005": [("creditcard", "378282246310005")],
    "/home/bob/game/game.cpp": [("userpath", "bob")],
    "file:///Users/bob/x and /home/amy": [("userpath", "bob"), ("userpath", "amy")],
    "C:\\Users\\Bob Smith\\AppData\\x.log": [("userpath", "Bob Smith")],
    "C:/Users/Bob Smith/AppData": [("userpath", "Bob Smith")],
    "\\\\server\\Users\\bob": [("userpath", "bob")],
    "/mnt/c/Users/bob/x": [("userpath", "bob")],
    f"key {KEY} end": [("privatekey", KEY)],
    "key AKIAIOSFODNN7EXAMPLE.": [("token", "AKIAIOSFODNN7EXAMPLE")],
    "ghp_0123456789abcdefghijABCDEFGHIJ": [("token", "ghp_0123456789abcdefghijABCDEFGHIJ")],
    f"jwt={JWT}": [("token", JWT)],
    "bearer abcdefghijklmnop1234": [("bearer", "abcdefghijklmnop1234")],
    "Authorization: Basic dXNlcjpwYXNz": [("password", "Basic dXNlcjpwYXNz")],
    "--password=hunter2 --level=3": [("password", "hunter2")],
    '{"api_key": "k-12"}': [("password", "k-12")],
    "https://bob:hunter2@example.com/x": [("urlauth", "bob:hunter2")],
}
LEFT = [
    "Chrome/120.0.0.0 on 127.0.0.1, version 1.2.3.4",
    "10.0.19041.1237",
    "std::vector<int>::at and Face::add at 12:30:45",
    "4111 1111 1111 1112",
    "1700000000000 frames, id 1234567890123456",
    "src/home/index.cpp and /homes/x and C:\\Users\\Public\\x",
    "unexpected token: }",
    "render_pass=3, compass=7",
    "operator== of Token::operator=",
    "a@b, @handle, x@",
    "0x7ffd00112233 lamp+0x1565",
]


@pytest.mark.parametrize("text", FOUND, ids=range(len(FOUND)))
def test_secrets_are_found(text: str) -> None:
    assert [(one.rule, text[one.start : one.end]) for one in findings(text)] == FOUND[text]


@pytest.mark.parametrize("text", LEFT, ids=range(len(LEFT)))
def test_what_is_no_secret_is_left(text: str) -> None:
    assert findings(text) == []


SECRET_NAMES = [
    "password",
    "DB_PASSWORD",
    "SMTP_PASS",
    "githubToken",
    "X-Api-Key",
    "apiKey",
    "Set-Cookie",
    "auth",
    "JWT",
]
PLAIN_NAMES = ["author", "tokenizer", "render_pass", "compass", "monkey", "keyboard", "level", "pattern", ""]


@pytest.mark.parametrize("name", SECRET_NAMES)
def test_names_of_secrets(name: str) -> None:
    assert is_secret_name(name)


@pytest.mark.parametrize("name", PLAIN_NAMES)
def test_names_of_other_things(name: str) -> None:
    assert not is_secret_name(name)


HOSTILE = [
    "a",
    "a.",
    "a@",
    "1 ",
    "1.",
    "1:",
    ":",
    "4",
    "-",
    "://",
    "://a:",
    "eyJ-",
    "eyJaaaaaaaaaaa.",
    "ghp_",
    "xoxb-",
    "sntrys_/",
    "bearer ",
    "password=",
    "password:",
    "secret = \"'",
    "/home/",
    "/home/a",
    "\\users\\",
    "c:/users/a ",
    "-----BEGIN PRIVATE KEY-----",
    "-----BEGIN ",
    "AKIA",
    "cookie: ",
    "\udfff@",
]


@pytest.mark.parametrize("piece", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_text_takes_no_longer(piece: str) -> None:
    """Four times the text takes about four times as long; sixteen times would be a rule that looks back and forth."""
    small, large = (piece * (size // len(piece)) for size in (20_000, 80_000))
    assert seconds(large) < 8 * seconds(small) + 0.02
    assert seconds(large) < 3


def seconds(text: str) -> float:
    """The best of three."""
    times = []
    for _ in range(3):
        start = time.process_time()
        findings(text)
        times.append(time.process_time() - start)
    return min(times)
