"""Secrets out of a client's event as it came, whatever its shape is."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cairn.privacy.scrub_upload import scrub_message, scrub_upload
from cairn.privacy.secrets import RULES, findings
from cairn.privacy.settings import Privacy

MAIL = "jane@example.com"


def scrubbed(event: dict[str, Any], **settings: Any) -> Any:
    return scrub_upload(event, (), Privacy(**settings)).event


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ({"extra": {"mail": MAIL}}, {"extra": {"mail": "[email]"}}),
        ({"anything": [{"deep": [MAIL]}]}, {"anything": [{"deep": ["[email]"]}]}),
        ({"tags": {"password": "x"}}, {"tags": {"password": "[Filtered]"}}),
        ({"tags": [["password", "x"], ["a", MAIL]]}, {"tags": [["password", "[Filtered]"], ["a", "[email]"]]}),
        (
            {"request": {"headers": [["Cookie", "a=b"], ["Host", "h"]], "url": "https://a:b@h/"}},
            {"request": {"headers": [["Cookie", "[Filtered]"], ["Host", "h"]], "url": "https://[Filtered]@h/"}},
        ),
        ({"fingerprint": ["auth", "failed"]}, {"fingerprint": ["auth", "failed"]}),
        ({"password": "x"}, {"password": "[Filtered]"}),
        ({"logentry": {"message": "%s", "params": [MAIL]}}, {"logentry": {"message": "%s", "params": ["[email]"]}}),
        ({"user": {"id": "4711", "email": MAIL}}, {"user": {"id": "4711", "email": "[email]"}}),
    ],
    ids=["extra", "unknown", "tags", "pairs", "request", "fingerprint", "name", "message", "user"],
)
def test_an_event(said: dict[str, Any], kept: dict[str, Any]) -> None:
    assert scrubbed(said) == kept


def test_what_an_event_is_made_of_stays() -> None:
    frame = {
        "function": "ns::mail::operator@(int)",
        "package": "/home/jane/game/libgame.so",
        "filename": "secret_token.cpp",
        "abs_path": "C:\\Users\\jane\\src\\password=x.cpp",
        "instruction_addr": "0x1234",
        "vars": {"password": "hunter2", "n": MAIL},
    }
    image = {"code_file": "/home/jane/game/game", "debug_id": "4111-1111-1111-1111", "code_id": "4111111111111111"}
    said = {
        "event_id": "0" * 32,
        "release": MAIL,
        "environment": "10.1.2.3",
        "timestamp": "2026-11-24T10:00:00Z",
        "exception": {"values": [{"type": "E", "value": MAIL, "stacktrace": {"frames": [frame]}}]},
        "debug_meta": {"images": [image]},
    }
    kept = scrubbed(said)
    assert {name: kept[name] for name in ("event_id", "release", "environment", "timestamp")} == {
        name: said[name] for name in ("event_id", "release", "environment", "timestamp")
    }
    (exception,) = kept["exception"]["values"]
    assert exception["value"] == "[email]"
    assert exception["stacktrace"]["frames"] == [
        frame
        | {
            "package": "/home/[user]/game/libgame.so",
            "abs_path": "C:\\Users\\[user]\\src\\password=x.cpp",
            "vars": {"password": "[Filtered]", "n": "[email]"},
        }
    ]
    assert kept["debug_meta"]["images"] == [image | {"code_file": "/home/[user]/game/game"}]


def test_names_of_files_and_counts() -> None:
    done = scrub_upload({"message": MAIL, "extra": {"a": MAIL}}, ("/home/jane/log.txt", "a.dmp"), Privacy())
    assert done.names == ("/home/[user]/log.txt", "a.dmp")
    assert done.counts == {"email": 2, "userpath": 1}


def test_a_project_may_choose_fields() -> None:
    kept = scrubbed({"extra": {"mail": MAIL, "player": "x"}}, safe_fields=("mail",), sensitive_fields=("player",))
    assert kept == {"extra": {"mail": MAIL, "player": "[Filtered]"}}


def test_feedback_keeps_an_address_to_answer_to() -> None:
    message = f"write to {MAIL}, my password=hunter2 and 10.1.2.3"
    assert scrub_message(message, Privacy()) == f"write to {MAIL}, my password=[Filtered] and [ip]"
    assert scrub_message(message, Privacy(scrub=False)) == message


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20) | st.sampled_from([MAIL, "/home/jane/x"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
FIELDS = ("tags", "request", "exception", "threads", "debug_meta", "extra", "x", "release", "stacktrace")


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.dictionaries(st.sampled_from(FIELDS), JSON, max_size=4))
def test_any_event_can_be_scrubbed_and_twice_is_as_once(said: dict[str, Any]) -> None:
    once = scrubbed(said)
    assert scrubbed(once) == once
    assert MAIL not in json.dumps({name: value for name, value in once.items() if name != "release"})


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.text(alphabet="aAb19@:=/\\.-_ ", max_size=14) | st.sampled_from(["xoxb-123456789", "pwd=1", "::1:2", "a@b.co"])
)
def test_short_text_is_searched_where_something_may_be(text: str) -> None:
    found = {(one.start, one.end) for rule in RULES for one in rule.findings(text, text.lower()) if one.end > one.start}
    assert bool(findings(text)) == bool(found)
