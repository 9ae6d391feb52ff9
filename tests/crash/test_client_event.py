from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cairn.crash.client_event import MAX_BREADCRUMBS, MAX_TAGS, MAX_VALUE_BYTES, client_event
from cairn.crash.event import Event

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
KNOWN = (
    "level",
    "release",
    "tags",
    "extra",
    "contexts",
    "user",
    "sdk",
    "breadcrumbs",
    "fingerprint",
    "message",
    "exception",
)


def test_what_fits_is_taken_over() -> None:
    said = {
        "release": "game@1.2.3",
        "environment": "beta",
        "level": "error",
        "user": {"id": "7"},
        "tags": {"gpu": "none", "count": 3},
        "extra": {"seed": "42"},
        "fingerprint": ["{{ default }}", "x"],
        "breadcrumbs": [{"message": "started"}],
    }
    event, errors = client_event(said)
    assert not errors
    assert event == said | {
        "tags": {"gpu": "none", "count": "3"},
        "fingerprint": ("{{ default }}", "x"),
        "breadcrumbs": {"values": [{"message": "started"}]},
    }


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("release", ["a"]),
        ("tags", "a"),
        ("tags", [["a"]]),
        ("user", "me"),
        ("extra", ["a"]),
        ("contexts", 1),
        ("fingerprint", "a"),
        ("breadcrumbs", 3),
        ("level", "terrible"),
        ("message", 3),
    ],
)
def test_what_makes_no_sense_is_left_out_and_named(name: str, value: Any) -> None:
    event, errors = client_event({name: value})
    assert name not in event
    assert [(error.type, error.name) for error in errors] == [("invalid_data", name)]


@pytest.mark.parametrize(
    ("name", "longest"), [("release", 200), ("environment", 64), ("dist", 64), ("transaction", 200)]
)
def test_long_texts_are_cut(name: str, longest: int) -> None:
    assert client_event({name: "x" * 1000})[0][name] == "x" * longest


def test_large_values_and_long_lists_are_cut() -> None:
    event, _ = client_event(
        {
            "extra": {"big": ["x" * 100] * 1000},
            "tags": [[str(n), "v"] for n in range(MAX_TAGS + 5)],
            "breadcrumbs": {"values": [{"n": n} for n in range(MAX_BREADCRUMBS + 5)]},
        }
    )
    assert len(event["extra"]["big"]) <= MAX_VALUE_BYTES + 1
    assert len(event["tags"]) == MAX_TAGS
    assert event["breadcrumbs"]["values"][0] == {"n": 5}


def test_deep_values_are_cut() -> None:
    deep: Any = "bottom"
    for _ in range(50):
        deep = {"down": deep}
    text = str(client_event({"extra": {"deep": deep}})[0])
    assert "bottom" not in text
    assert text.count("down") == 7


def test_tags_may_be_pairs() -> None:
    assert client_event({"tags": [["a", "b"], ["c", None]]})[0]["tags"] == {"a": "b"}


@given(st.dictionaries(st.sampled_from(KNOWN), JSON))
def test_any_json_makes_an_event(raw: dict[str, Any]) -> None:
    said, _ = client_event(raw)
    event = Event(event_id="0" * 32, timestamp=1.0, received=1.0, **said)
    assert Event.from_json(event.to_json()) == event
