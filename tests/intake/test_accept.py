from __future__ import annotations

import json
from io import BytesIO

import pytest

from cairn.intake.limits import Limits
from cairn.intake.messages import Request, Response
from cairn.intake.upload import Upload
from cairn.pipeline.accepting.accept import accept
from cairn.pipeline.accepting.intake_stores import RecentKeys, Stores
from tests.intake.clients import (
    DUMP,
    KEY,
    NEW_ID,
    NOW,
    PATH,
    PROJECT,
    KeptUploads,
    Key,
    OneProject,
    UntouchedNotes,
    UntouchedProjects,
    UntouchedUploads,
    accepted_upload,
    dump_part,
    form,
    refused_request,
    request,
    send,
)

REQUEST_HEADERS = {
    "x-sentry-auth",
    "x-requested-with",
    "x-forwarded-for",
    "origin",
    "referer",
    "accept",
    "content-type",
    "authentication",
    "authorization",
    "content-encoding",
    "transfer-encoding",
}


def detail(response: Response) -> str:
    assert response.headers["content-type"] == "application/json"
    body = json.loads(response.body)
    assert set(body) <= {"detail", "causes"}
    assert all(body.get("causes", ["some"]))
    return str(body["detail"])


def test_a_crash_is_answered_with_its_hyphenated_id_as_text() -> None:
    response, upload, contents = send(request(form(dump_part())))
    assert response.status == 200
    assert response.headers["content-type"].startswith("text/plain")
    assert response.body == b"00112233-4455-6677-8899-aabbccddeeff"
    assert response.event_id == NEW_ID
    assert upload is not None
    assert (upload.event_id, upload.project_id, upload.received) == (NEW_ID, PROJECT, NOW)
    assert upload.event == {"event_id": NEW_ID}
    assert contents == [DUMP]


@pytest.mark.parametrize(
    "path", [PATH, PATH.rstrip("/"), "//api/42//minidump/", "/api/42/minidump//", "///api///42///minidump///"]
)
def test_slashes(path: str) -> None:
    assert accepted_upload(request(form(dump_part()), path=path))[0].project_id == PROJECT


@pytest.mark.parametrize("project", ["x", "-1", "", "1.0", "²", str(2**64), "1" * 5000, "+42", "42 "])
def test_a_project_that_is_no_number(project: str) -> None:
    path = f"/api/{project}/minidump/"
    response = refused_request(request(path=path))
    expected = (404, "not found") if not project else (400, "bad project path parameter")
    assert (response.status, detail(response)) == expected


@pytest.mark.parametrize(
    "path", ["/", "", "/api/42/", "/api/42/minidumps/", "/x/api/42/minidump/", "/api/42/minidump/x"]
)
def test_other_paths(path: str) -> None:
    assert refused_request(request(path=path)).status == 404


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "PATCH", "DELETE"])
def test_other_methods(method: str) -> None:
    response = refused_request(request(method=method))
    assert (response.status, response.headers["allow"]) == (405, "POST, OPTIONS")


def test_preflight() -> None:
    response = accept(
        request(method="OPTIONS", query=""),
        Stores(UntouchedProjects(), UntouchedUploads(), UntouchedNotes()),
        Limits(),
        lambda: NOW,
        str,
    )
    assert response.status == 200
    assert response.headers["access-control-allow-origin"] == "*"
    assert response.headers["access-control-allow-methods"] == "POST"
    assert set(response.headers["access-control-allow-headers"].split(", ")) == REQUEST_HEADERS
    assert response.headers["access-control-max-age"] == "3600"


@pytest.mark.parametrize(
    "sent", [request(form(dump_part())), request(query=""), request(path="/"), request(method="GET")]
)
def test_headers_of_every_answer(sent: Request) -> None:
    response = accept(
        sent, Stores(OneProject(), KeptUploads(), UntouchedNotes()), Limits(), lambda: NOW, lambda: NEW_ID
    )
    assert response.headers["access-control-allow-origin"] == "*"
    exposed = set(response.headers["access-control-expose-headers"].split(", "))
    assert exposed == {"x-sentry-error", "x-sentry-rate-limits", "retry-after"}
    assert response.headers["cross-origin-resource-policy"] == "cross-origin"
    assert response.headers["server"]


@pytest.mark.parametrize(
    ("key", "cause"),
    [(None, "no such key"), (Key(project_id=7), "not one of project 42"), (Key(active=False), "disabled")],
)
def test_keys_that_do_not_open_the_project(key: Key | None, cause: str) -> None:
    projects = OneProject({KEY: key} if key else {})
    response = accept(
        request(form(dump_part())), Stores(projects, UntouchedUploads(), UntouchedNotes()), Limits(), lambda: NOW, str
    )
    assert (response.status, detail(response)) == (403, "event submission rejected with_reason: ProjectId")
    assert cause in json.loads(response.body)["causes"][0]
    assert response.error is not None
    assert response.error.reason == "project_id"


def test_no_key_is_looked_up_for_bad_credentials() -> None:
    response = accept(
        request(query=""), Stores(UntouchedProjects(), UntouchedUploads(), UntouchedNotes()), Limits(), lambda: NOW, str
    )
    assert response.status == 401


def test_no_body_is_read_for_a_bad_key() -> None:
    class Unread(BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            raise AssertionError("the body was read")

    response = accept(
        request(Unread()), Stores(OneProject({}), UntouchedUploads(), UntouchedNotes()), Limits(), lambda: NOW, str
    )
    assert response.status == 403


def test_a_failing_look_up_is_a_503() -> None:
    class Broken:
        def key(self, public_key: str) -> None:
            raise RuntimeError("throttled")

    response = accept(
        request(form(dump_part())), Stores(Broken(), UntouchedUploads(), UntouchedNotes()), Limits(), lambda: NOW, str
    )
    assert (response.status, detail(response)) == (503, "project not available")
    assert response.error is not None
    assert isinstance(response.error.__cause__, RuntimeError)


def test_a_failing_store_is_a_500_and_tells_nothing_of_itself() -> None:
    class Broken:
        def put_new(self, upload: Upload) -> bool:
            raise RuntimeError("bucket-name")

    response = accept(
        request(form(dump_part())),
        Stores(OneProject(), Broken(), UntouchedNotes()),
        Limits(),
        lambda: NOW,
        lambda: NEW_ID,
    )
    assert (response.status, detail(response)) == (500, "failed to upload file")
    assert b"bucket-name" not in response.body
    assert response.event_id is None


def test_files_are_closed_whatever_happens() -> None:
    seen: list[Upload] = []

    class Broken:
        def put_new(self, upload: Upload) -> bool:
            seen.append(upload)
            raise RuntimeError

    accept(
        request(form(dump_part())),
        Stores(OneProject(), Broken(), UntouchedNotes()),
        Limits(),
        lambda: NOW,
        lambda: NEW_ID,
    )
    assert [attachment.content.closed for attachment in seen[0].attachments] == [True]


@pytest.mark.parametrize(
    ("query", "headers", "client"),
    [
        ("sentry_client=sentry.native/0.16.3", {}, "sentry.native/0.16.3"),
        ("", {"user-agent": "Crashpad/0.8"}, "Crashpad/0.8"),
        ("sentry_client=" + "x" * 5000, {"user-agent": "curl"}, "x" * 200),
        ("", {}, None),
    ],
)
def test_the_client_names_itself(query: str, headers: dict[str, str], client: str | None) -> None:
    sent = request(form(dump_part()), query=f"sentry_key={KEY}&{query}")
    upload, _ = accepted_upload(request(sent.body, {**sent.headers, **headers}, query=sent.query))
    assert upload.client == client


def test_keys_are_remembered_for_a_minute() -> None:
    now = 0.0
    projects = OneProject()
    recent = RecentKeys(projects, lambda: now)
    assert recent.key(KEY) == Key()
    assert recent.key("other") is None
    now = 59.0
    assert recent.key(KEY) == Key()
    assert recent.key("other") is None
    assert projects.asked == [KEY, "other"]
    now = 60.0
    assert recent.key(KEY) == Key()
    assert projects.asked == [KEY, "other", KEY]
