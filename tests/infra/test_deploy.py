from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import botocore.session
import pytest
from botocore.stub import Stubber

from infra import cdk_cli, deploy, packaged_node
from infra.bundling import ROOT
from infra.deploy import NotReadyError, Place, check_bootstrapped, find_place

PLACE = Place("123456789012", "eu-central-1")


@pytest.fixture
def session(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> botocore.session.Session:
    """A session that finds nothing of the machine it runs on."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE", "AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    return botocore.session.Session()


def answering(session: botocore.session.Session, service: str, monkeypatch: pytest.MonkeyPatch) -> Stubber:
    """Make ``session`` give out a client of ``service`` that answers what the stub is told."""
    client: Any = session.create_client(
        service, region_name=PLACE.region, aws_access_key_id="x", aws_secret_access_key="x"
    )
    monkeypatch.setattr(session, "create_client", lambda name, **_: {service: client}[name])
    stub = Stubber(client)
    stub.activate()
    return stub


def test_a_missing_region_is_said(session: botocore.session.Session) -> None:
    with pytest.raises(NotReadyError, match="no AWS region"):
        find_place(session)


def test_missing_credentials_are_said_with_what_to_do(
    session: botocore.session.Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_REGION", PLACE.region)
    with pytest.raises(NotReadyError, match=r"no AWS credentials[\s\S]*aws sso login"):
        find_place(session)


def test_refused_credentials_are_said(session: botocore.session.Session, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_REGION", PLACE.region)
    session.set_credentials("x", "x")
    answering(session, "sts", monkeypatch).add_client_error("get_caller_identity", "ExpiredToken", "expired")
    with pytest.raises(NotReadyError, match=r"AWS does not take the credentials here.*expired"):
        find_place(session)


def test_the_place_is_where_the_credentials_point(
    session: botocore.session.Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_REGION", PLACE.region)
    session.set_credentials("x", "x")
    answering(session, "sts", monkeypatch).add_response("get_caller_identity", {"Account": PLACE.account})
    assert find_place(session) == PLACE


def test_an_account_without_bootstrap_is_told_the_command(
    session: botocore.session.Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    answering(session, "ssm", monkeypatch).add_client_error("get_parameter", "ParameterNotFound")
    with pytest.raises(NotReadyError, match="make cdk ARGS='bootstrap aws://123456789012/eu-central-1'"):
        check_bootstrapped(session, PLACE)


def test_who_may_not_look_is_not_held_up(session: botocore.session.Session, monkeypatch: pytest.MonkeyPatch) -> None:
    stub = answering(session, "ssm", monkeypatch)
    stub.add_client_error("get_parameter", "AccessDeniedException")
    check_bootstrapped(session, PLACE)
    stub.assert_no_pending_responses()


def test_errors_come_as_one_line_and_a_status(
    monkeypatch: pytest.MonkeyPatch, session: botocore.session.Session, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("botocore.session.get_session", lambda: session)
    assert deploy.main() == 1
    assert capsys.readouterr().err.startswith("error: There is no AWS region")


def test_node_and_npm_are_in_the_wheel() -> None:
    folder = packaged_node()
    assert folder
    version = subprocess.run([folder / "node", "--version"], capture_output=True, text=True, check=True).stdout
    assert int(version.removeprefix("v").split(".")[0]) >= 22
    assert (folder.parent / "lib/node_modules/npm/bin/npm-cli.js").is_file()


def test_the_command_line_is_not_the_accidental_release() -> None:
    assert cdk_cli.VERSION.startswith("2.")
    flags = json.loads((ROOT / "cdk.json").read_text())["context"]
    assert flags["@aws-cdk/core:defaultCrossStackReferences"] == "weak", "alarms must not lock the stack they watch"
