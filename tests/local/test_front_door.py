from __future__ import annotations

import http.client
import json
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.local.small_stack import Small

MB = 1024 * 1024
BINARY = {"content-type": "application/octet-stream"}


def test_a_body_that_fits_into_an_event_passes(small: Small) -> None:
    status, answer = small.ask("POST", "/post/", b"x" * (4 * MB), BINARY)
    assert status == 200
    assert answer["event"]["isBase64Encoded"] is True
    assert answer["event"]["body"] == (4 * MB + 2) // 3 * 4
    assert answer["event"]["rawPath"] == "/post/"


@pytest.mark.parametrize("size", [5 * MB, 9 * MB, 11 * MB])
def test_a_body_that_does_not_is_refused_as_by_api_gateway(small: Small, size: int) -> None:
    assert small.ask("POST", "/post", b"x" * size, BINARY) == (413, {"message": "Request Entity Too Large"})


def test_text_is_not_carried_as_base64(small: Small) -> None:
    status, answer = small.ask("POST", "/post", b"x" * (5 * MB), {"content-type": "text/plain"})
    assert (status, answer["event"]["isBase64Encoded"], answer["event"]["body"]) == (200, False, 5 * MB)


def test_chunked_bodies_are_joined(small: Small) -> None:
    status, answer = small.ask("POST", "/post", (b"y" * 1000 for _ in range(300)))
    assert (status, answer["event"]["body"]) == (200, 400_000)


def test_chunked_bodies_have_the_same_limit(small: Small) -> None:
    status, answer = small.ask("POST", "/post", (b"y" * MB for _ in range(11)))
    assert (status, answer) == (413, {"message": "Request Entity Too Large"})


@pytest.mark.parametrize(("size", "status"), [(9_000, 200), (12_000, 431), (50_000, 431)])
def test_headers_are_limited(small: Small, size: int, status: int) -> None:
    assert small.ask("GET", "/", headers={"x-long": "h" * size})[0] == status


def test_a_failing_function_tells_nothing(small: Small) -> None:
    assert small.ask("GET", "/fail") == (500, {"message": "Internal Server Error"})


def test_a_function_that_times_out_is_a_failing_function(small: Small) -> None:
    with ThreadPoolExecutor() as pool:
        slow = pool.submit(small.ask, "GET", "/slow?seconds=11")
        started = time.monotonic()
        assert small.ask("GET", "/")[0] == 200
        assert time.monotonic() - started < 5
        assert slow.result() == (500, {"message": "Internal Server Error"})


def test_an_answer_larger_than_lambda_gives_is_a_failure(small: Small) -> None:
    assert small.ask("GET", "/large") == (500, {"message": "Internal Server Error"})


def test_cookies_and_repeated_headers_come_as_in_payload_format_2(small: Small) -> None:
    connection = http.client.HTTPConnection(small.emulator.url.removeprefix("http://"))
    connection.putrequest("GET", "/a%20b/c%2Fd?x=1&x=2&y=%20")
    for name, value in [("Cookie", "a=1; b=2"), ("X-Twice", "one"), ("x-twice", "two")]:
        connection.putheader(name, value)
    connection.endheaders()
    event = json.loads(connection.getresponse().read())["event"]
    connection.close()
    assert event["cookies"] == ["a=1", "b=2"]
    assert "cookie" not in event["headers"]
    assert event["headers"]["x-twice"] == "one,two"
    assert event["headers"]["x-forwarded-proto"] == "http"
    assert event["rawPath"] == "/a b/c/d"
    assert event["rawQueryString"] == "x=1&x=2&y=%20"
    assert event["queryStringParameters"] == {"x": "1,2", "y": " "}
    assert event["requestContext"]["domainName"] == small.emulator.url.removeprefix("http://")


def test_a_connection_is_kept(small: Small) -> None:
    connection = http.client.HTTPConnection(small.emulator.url.removeprefix("http://"))
    sockets = set()
    for _ in range(3):
        connection.request("POST", "/post", b"x")
        assert connection.getresponse().read()
        sockets.add(connection.sock)
    assert len(sockets) == 1 and None not in sockets
    connection.close()


def test_many_clients_at_once(small: Small) -> None:
    def post(number: int) -> Any:
        return small.ask("POST", f"/post?n={number}", b"x" * 100_000)

    with ThreadPoolExecutor(3) as pool:
        answers = list(pool.map(post, range(12)))
    assert [answer["event"]["queryStringParameters"]["n"] for _, answer in answers] == [str(n) for n in range(12)]


def test_a_client_that_hangs_up_calls_no_function(small: Small) -> None:
    small.emulator.follow = True
    connection = http.client.HTTPConnection(small.emulator.url.removeprefix("http://"))
    connection.putrequest("POST", "/post/broken-off")
    connection.putheader("content-length", "1000")
    connection.endheaders(b"only this")
    connection.close()
    assert small.ask("POST", "/post/whole", b"x")[0] == 200
    paths = []
    while "/post/whole" not in paths:
        event = small.emulator.events.get(timeout=10)
        assert event is not None
        paths += [event["path"]] if event["event"] == "request" else []
    small.emulator.follow = False
    assert paths == ["/post/whole"]
