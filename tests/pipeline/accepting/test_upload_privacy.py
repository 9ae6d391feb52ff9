"""What clients say is scrubbed before it is stored, by the settings of their projects."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from cairn.intake.limits import Limits
from cairn.intake.signed_upload_request import AnnouncedFile, AnnouncedUpload
from cairn.intake.upload import Attachment, Feedback, Upload
from cairn.pipeline.accepting.accept import accept
from cairn.pipeline.accepting.intake_stores import Stores
from cairn.pipeline.accepting.upload_privacy import UploadPrivacy
from cairn.privacy.settings import DEFAULT, Privacy
from tests.intake.clients import PATH, KeptNotes, KeptUploads, OneProject, request

MAIL = "jane@example.com"


@dataclass(frozen=True)
class Project:
    privacy: Privacy = DEFAULT


def file(name: str = "/home/jane/log.txt") -> Attachment:
    return Attachment(name, "text/plain", "event.attachment", 0, io.BytesIO())


def broken(_: int) -> None:
    raise OSError("no network")


UPLOAD = Upload("0" * 32, 1, 0.0, (file(),), {"message": MAIL})
FEEDBACK = Feedback("0" * 32, "Jane", MAIL, f"{MAIL}, password=x")


@pytest.mark.parametrize("project", [lambda _: Project(), lambda _: None], ids=["usual", "unknown"])
def test_secrets_are_taken_out(project: Callable[[int], Project | None]) -> None:
    privacy = UploadPrivacy(project)
    done = privacy.upload(UPLOAD)
    assert (done.event, done.attachments[0].name) == ({"message": "[email]"}, "/home/[user]/log.txt")
    assert done.scrubbed == {"email": 1, "userpath": 1}
    assert privacy.feedback(1, FEEDBACK) == Feedback("0" * 32, "Jane", MAIL, f"{MAIL}, password=[Filtered]")
    assert privacy.attachment(1, file()).name == "/home/[user]/log.txt"
    announced = privacy.announced(1, AnnouncedUpload(None, {"a": MAIL}, (AnnouncedFile(MAIL, "", "", 1),)))
    assert (announced.event, announced.files[0].name, announced.scrubbed) == ({"a": "[email]"}, "[email]", {"email": 2})


def test_not_where_the_project_wants_it_otherwise() -> None:
    privacy = UploadPrivacy(lambda _: Project(Privacy(scrub=False)))
    assert privacy.upload(UPLOAD) is UPLOAD and UPLOAD.scrubbed is None
    assert privacy.feedback(1, FEEDBACK) == FEEDBACK
    assert privacy.attachment(1, file()).name == "/home/jane/log.txt"


def test_where_the_settings_cannot_be_had_a_crash_is_left_to_the_next_step() -> None:
    privacy = UploadPrivacy(broken)
    assert privacy.upload(UPLOAD) is UPLOAD
    assert privacy.feedback(1, FEEDBACK).message == f"{MAIL}, password=[Filtered]", "nothing comes after"


def test_a_crash_with_feedback_is_stored_so() -> None:
    uploads, notes = KeptUploads(), KeptNotes()
    lines = [
        '{"event_id":"11111111111111111111111111111111"}',
        '{"type":"event"}',
        '{"message":"jane@example.com"}',
        '{"type":"user_report"}',
        '{"event_id":"11111111111111111111111111111111","email":"jane@example.com","comments":"pwd=x"}',
    ]
    sent = request("\n".join(lines).encode(), path=PATH.replace("minidump", "envelope"), headers={})
    stores = Stores(OneProject(), uploads, notes, privacy=UploadPrivacy(lambda _: Project()))
    answer = accept(sent, stores, Limits(), lambda: 0.0, lambda: "0" * 32)
    assert answer.status == 200
    assert [upload.event["message"] for upload in uploads.kept] == ["[email]"]
    assert [(said.email, said.message) for said in notes.feedback] == [(MAIL, "pwd=[Filtered]")]
