"""An event without its secrets: everywhere they may be, and nothing else changed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cairn.crash.build_client_event import build_client_event
from cairn.crash.build_event import Received, build_event
from cairn.crash.event import Event
from cairn.crash.grouping import grouping
from cairn.crash.process import process
from cairn.privacy.scrub_event import scrubbed
from cairn.privacy.settings import Privacy
from tests.crash.symbol_files import SAMPLE, Files, compiled

MAIL, HOME = "canary@example.com", "/home/canary/game"
EVERYWHERE: dict[str, Any] = {
    "message": f"hello {MAIL}",
    "transaction": f"play {MAIL}",
    "server_name": "10.11.12.13",
    "logger": MAIL,
    "fingerprint": ["{{ default }}", MAIL],
    "tags": {"mail": MAIL, "level": "3"},
    "extra": {"a": {"b": [MAIL, {"password": "canary"}]}, MAIL: 1, "cookie": ["canary"], "file": f"{HOME}/x"},
    "user": {"id": "7", "email": MAIL, "ip_address": "10.11.12.13"},
    "contexts": {"app": {"token": {"of": "canary"}, "app_version": "1.2.3.4"}, "note": {"text": MAIL}},
    "breadcrumbs": [
        {"message": "POST", "data": {"url": "https://canary:canary@example.com", "Authorization": "canary"}}
    ],
    "threads": {"values": [{"id": 3, "name": f"worker of {MAIL}"}]},
    "debug_meta": {
        "images": [{"type": "elf", "image_addr": "0x1000", "code_file": f"{HOME}/game", "image_size": 4096}]
    },
    "exception": [
        {
            "type": "Lost",
            "value": f"no {MAIL}",
            "mechanism": {"type": "generic", "description": MAIL, "meta": {"secret": "canary"}},
            "stacktrace": {
                "frames": [
                    {"function": "run", "package": f"{HOME}/game", "abs_path": f"{HOME}/run.cpp", "in_app": True}
                ]
            },
        }
    ],
}


def client(said: Mapping[str, Any]) -> Event:
    return build_client_event(Received("ab" * 16, 1, 1_700_000_000.0, said))


def test_no_secret_is_left_anywhere() -> None:
    event = scrubbed(client(EVERYWHERE), Privacy())
    text = event.to_json().decode()
    assert "canary" not in text and "10.11.12.13" not in text
    assert event.user == {"id": "7", "email": "[email]", "ip_address": "[ip]"}
    assert event.extra["a"]["b"] == ["[email]", {"password": "[Filtered]"}]
    assert event.contexts["app"] == {"token": "[Filtered]", "app_version": "1.2.3.4"}
    assert event.tags["level"] == "3"
    assert event.title == "Lost: no [email]"
    assert event.cairn.scrubbed and event.cairn.scrubbed["email"] > 8 and event.cairn.scrubbed["field"] == 5


def test_frames_still_belong_to_their_modules() -> None:
    event = scrubbed(client(EVERYWHERE), Privacy())
    crash = event.crash
    assert crash and crash.stacktrace
    (frame,) = crash.stacktrace.frames
    assert frame.package == event.debug_meta.images[0].code_file == "/home/[user]/game/game"
    assert (frame.function, frame.abs_path, frame.in_app) == ("run", "/home/[user]/game/run.cpp", True)


def test_scrubbing_twice_changes_nothing() -> None:
    once = scrubbed(client(EVERYWHERE), Privacy())
    again = scrubbed(once, Privacy())
    assert again.cairn.scrubbed == {}
    assert again.model_copy(update={"cairn": once.cairn}) == once


def test_a_project_may_want_it_otherwise() -> None:
    event = client({"extra": {"player": "amy", "session_id": "s-1", "mail": MAIL, "Mail-To": MAIL}})
    assert scrubbed(event, Privacy(scrub=False)) is event
    chosen = scrubbed(event, Privacy(safe_fields=("SessionId", "mail_to"), sensitive_fields=("PLAYER",)))
    assert chosen.extra == {"player": "[Filtered]", "session_id": "s-1", "mail": "[email]", "Mail-To": MAIL}


def test_the_sample_stays_as_it_is(tmp_path: Path) -> None:
    crash = process((SAMPLE / "lighthouse.dmp").read_bytes(), Files(*compiled(tmp_path, SAMPLE / "lighthouse")))
    event = build_event(crash, Received("ab" * 16, 1, float(crash.dump.timestamp)))
    clean = scrubbed(event, Privacy())
    before, after = json.loads(event.to_json()), json.loads(clean.to_json())
    found = after["cairn"].pop("scrubbed")
    assert found.keys() <= {"userpath"}
    if not found:
        assert after == before
    assert grouping(clean) == grouping(event)
    assert clean.title == event.title


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20) | st.sampled_from([MAIL, HOME, "password=x"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.dictionaries(st.sampled_from([*EVERYWHERE, "contexts", "sdk"]), JSON, max_size=4))
def test_any_event_can_be_scrubbed(said: dict[str, Any]) -> None:
    event = scrubbed(client(said), Privacy())
    assert Event.from_json(event.to_json()).event_id == event.event_id
    again = scrubbed(event, Privacy())
    assert again.extra == event.extra and again.tags == event.tags


@pytest.mark.parametrize("policy", ["some", "newest=0", "newest=1001", "newest=", "NONE", ""])
def test_policies_that_are_none(policy: str) -> None:
    from cairn.privacy.settings import is_dump_policy

    assert not is_dump_policy(policy)
