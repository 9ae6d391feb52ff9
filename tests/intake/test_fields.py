from __future__ import annotations

import json
from typing import Any

import pytest

from cairn.intake.fields import event_from_fields, event_id_from_fields
from cairn.intake.limits import JSON_DEPTH, PATH_DEPTH

ID = "6f0b2c1e5d0f4a539b0b1f8e3a2c7d44"
UUID = "6F0B2C1E-5D0F-4A53-9B0B-1F8E3A2C7D44"

Fields = list[tuple[str, str]]


@pytest.mark.parametrize(
    ("fields", "event"),
    [
        pytest.param([], {}, id="nothing"),
        pytest.param([("prod", "Chrome")], {"extra": {"prod": "Chrome"}}, id="anything else is extra"),
        pytest.param([("a.b", "1"), ("", "x")], {"extra": {"a.b": "1", "": "x"}}, id="names are not taken apart"),
        pytest.param([("a", "1"), ("a", "2")], {"extra": {"a": "1"}}, id="first field wins"),
        pytest.param([("sentry", '{"release":"1"}')], {"release": "1"}, id="sentry is JSON"),
        pytest.param(
            [("sentry", '{"tags":{"a":1,"b":[1]}}'), ("sentry", '{"tags":{"a":2,"b":[2],"c":3},"level":"info"}')],
            {"tags": {"a": 1, "b": [1], "c": 3}, "level": "info"},
            id="deep merge, first wins, lists as a whole",
        ),
        pytest.param([("sentry", '{"a":null}'), ("sentry", '{"a":1}')], {"a": 1}, id="null is not set"),
        pytest.param([("sentry", '{"extra":null}'), ("x", "1")], {"extra": {"x": "1"}}, id="null extra is not set"),
        pytest.param([("sentry", '{"a":{"b":1}}'), ("sentry", '{"a":2}')], {"a": {"b": 1}}, id="object stays"),
        pytest.param([("sentry", '{"a":')], {}, id="malformed JSON is passed over"),
        pytest.param([("sentry", "[1]"), ("sentry", '"x"'), ("sentry", "1"), ("sentry", "")], {}, id="only objects"),
        pytest.param([("sentry", "[" * 100_000)], {}, id="deep brackets"),
        pytest.param([("sentry", '{"n":1' + "0" * 5000 + "}")], {}, id="endless number"),
        pytest.param([("sentry", '{"n":1e999,"m":NaN}')], {"n": None, "m": None}, id="not finite"),
        pytest.param([("sentry", '{"n":18446744073709551616}')], {"n": 18446744073709551616.0}, id="more than 64 bits"),
        pytest.param([("sentry", '{"a":"\\ud800"}')], {"a": "?"}, id="lone surrogate"),
        pytest.param(
            [("sentry___initialScope", '{"release":"1"}'), ("sentry___global", '{"dist":"2"}')],
            {"release": "1", "dist": "2"},
            id="three underscores are JSON",
        ),
        pytest.param([("sentry____x", '{"a":1}')], {"a": 1}, id="four underscores begin with three"),
        pytest.param(
            [("sentry__2", '":1}'), ("sentry__1", '{"a')],
            {"a": 1},
            id="slices in numeric order, 1-based, any arrival",
        ),
        pytest.param([("sentry__0", '{"a":'), ("sentry__7", "1}")], {"a": 1}, id="slices 0-based with gaps"),
        pytest.param([("sentry__10", "1}"), ("sentry__9", '{"a":')], {"a": 1}, id="numeric, not alphabetic"),
        pytest.param([("sentry__1", "no"), ("sentry__1", '{"a":1}')], {"a": 1}, id="same slice, last wins"),
        pytest.param([("sentry__1", '{"a"')], {}, id="malformed slices"),
        pytest.param(
            [("sentry__1", '{"a":1,"b":1,"extra":{"x":"no"}}'), ("sentry[a]", "2"), ("x", "3")],
            {"a": "2", "b": 1, "extra": {"x": "3"}},
            id="slices are merged last",
        ),
        pytest.param(
            [("sentry__x", "1"), ("sentry__-1", "2"), ("sentry__", "3"), ("sentry_1", "4"), ("sentryx", "5")],
            {"extra": {"sentry__x": "1", "sentry__-1": "2", "sentry__": "3", "sentry_1": "4", "sentryx": "5"}},
            id="not quite slices",
        ),
        pytest.param([("sentry[a][b]", "1"), ("sentry[a][c]", "2")], {"a": {"b": "1", "c": "2"}}, id="brackets"),
        pytest.param([("sentry[n]", "1"), ("sentry[o]", "{}")], {"n": "1", "o": "{}"}, id="brackets hold strings"),
        pytest.param([("sentry[a][0]", "x")], {"a": {"0": "x"}}, id="never a list"),
        pytest.param([("sentry[a][]", "x"), ("sentry[]", "y")], {"a": {"": "x"}, "": "y"}, id="empty brackets"),
        pytest.param([("sentry[Grüße][❤]", "x")], {"Grüße": {"❤": "x"}}, id="any letters"),
        pytest.param([("sentry[a[b]", "x")], {"a[b": "x"}, id="a bracket within"),
        pytest.param([("sentry[a]", "1"), ("sentry[a]", "2")], {"a": "1"}, id="first bracket wins"),
        pytest.param([("sentry[a]b[c]", "x")], {"extra": {"sentry[a]b[c]": "x"}}, id="letters between brackets"),
        pytest.param([("sentry[a]x", "1")], {"extra": {"sentry[a]x": "1"}}, id="letters behind brackets"),
        pytest.param([("sentry[a", "1")], {}, id="never closed, lost"),
        pytest.param([("sentry[a][b", "1")], {"a": "1"}, id="second never closed"),
        pytest.param([("sentry[a]=b[c]", "1")], {"a": "1"}, id="cut at the equals sign"),
        pytest.param([("sentry[a=b]", "1")], {"a=b": "1"}, id="equals sign within brackets"),
        pytest.param([("x[a]", "1")], {"extra": {"x[a]": "1"}}, id="brackets of another name"),
        pytest.param([("sentry[a]", "1"), ("sentry[a][b]", "2")], {"a": "1"}, id="parent is a string"),
        pytest.param([("sentry", '{"a":[1]}'), ("sentry[a][0]", "2")], {"a": [1]}, id="parent is a list"),
        pytest.param([("sentry[a][b]", "1"), ("sentry[a]", "2")], {"a": {"b": "1"}}, id="child stays"),
        pytest.param([("sentry", '{"extra":"no"}'), ("x", "1")], {"extra": "no"}, id="extra is no object"),
        pytest.param([("sentry[extra][x]", "1"), ("x", "2")], {"extra": {"x": "1"}}, id="extra by brackets"),
    ],
)
def test_fields_make_an_event(fields: Fields, event: dict[str, Any]) -> None:
    assert event_from_fields(fields) == event


def test_brackets_end_at_the_depth_of_relay() -> None:
    deepest = "sentry" + "[k]" * PATH_DEPTH
    value: Any = event_from_fields([(deepest, "kept")])
    for _ in range(PATH_DEPTH):
        value = value["k"]
    assert value == "kept"
    assert event_from_fields([(deepest + "[k]", "lost"), ("x", "1")]) == {"extra": {"x": "1"}}


def test_json_is_cut_at_its_depth() -> None:
    event = event_from_fields([("sentry", '{"a":' * 400 + "1" + "}" * 400)])
    assert json.dumps(event).count("{") == JSON_DEPTH


@pytest.mark.parametrize(
    ("fields", "wanted"),
    [
        ([("sentry", f'{{"event_id":"{ID}"}}')], ID),
        ([("sentry[event_id]", UUID)], ID),
        ([("sentry[event_id]", ID), ("sentry", '{"event_id":"' + "1" * 32 + '"}')], ID),
        ([("sentry", f'{{"event_id":"{ID}"}}'), ("sentry[event_id]", "1" * 32)], ID),
        ([("sentry", '{"release":"1"}'), ("sentry[event_id]", ID)], ID),
        ([("sentry", '{"event_id":null}'), ("sentry[event_id]", ID)], ID),
        ([("sentry[event_id]", "not an id"), ("sentry", f'{{"event_id":"{ID}"}}')], None),
        ([("sentry", '{"event_id":7}')], None),
        ([("sentry[event_id]", "0" * 32)], None),
        ([("sentry[event_id]", f"{{{ID}}}")], None),
        ([("sentry[event_id]", UUID.replace("-", "", 1))], None),
        ([("sentry___initialScope", f'{{"event_id":"{ID}"}}')], None),
        ([("sentry__1", f'{{"event_id":"{ID}"}}')], None),
        ([("event_id", ID)], None),
        ([], None),
    ],
)
def test_the_id_that_fields_ask_for(fields: Fields, wanted: str | None) -> None:
    assert event_id_from_fields(fields) == wanted
