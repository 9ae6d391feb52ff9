from __future__ import annotations

import pytest

from cairn.intake.limits import Limits
from infra.bundling import ROOT
from infra.settings import DeploymentSettings, SettingError


def test_without_context_the_defaults_hold() -> None:
    assert DeploymentSettings.from_context(lambda name: None) == DeploymentSettings()


def test_the_command_line_gives_text() -> None:
    context = {"keep_crashes_days": "90", "throw_away": "True", "alarm_email": "a@example.com"}
    settings = DeploymentSettings.from_context(context.get)
    assert (settings.keep_crashes_days, settings.throw_away, settings.alarm_email) == (90, True, "a@example.com")


def test_cdk_json_gives_numbers_and_booleans() -> None:
    settings = DeploymentSettings.from_context({"keep_logs_days": 7, "throw_away": False}.get)
    assert (settings.keep_logs_days, settings.throw_away) == (7, False)


def test_names_of_buckets_are_listed_with_commas() -> None:
    settings = DeploymentSettings.from_context({"symbol_buckets": "one, two,"}.get)
    assert settings.symbol_bucket_names == ("one", "two")
    assert DeploymentSettings().symbol_bucket_names == ()


@pytest.mark.parametrize(
    ("name", "value"),
    [("keep_crashes_days", "0"), ("keep_crashes_days", "-1"), ("compile_memory_mb", "3 GB"), ("throw_away", "yes")],
)
def test_a_value_that_cannot_be_used_is_named(name: str, value: str) -> None:
    with pytest.raises(SettingError, match=f"{name} is '{value}'"):
        DeploymentSettings.from_context({name: value}.get)


def test_the_limits_of_intake_reach_its_function() -> None:
    assert Limits.from_environment(DeploymentSettings().intake_environment) == Limits()
    chosen = DeploymentSettings.from_context({"limit_file": "1000", "limit_attachments": 3}.get)
    assert Limits.from_environment(chosen.intake_environment) == Limits(file=1000, attachments=3)


def test_every_limit_of_intake_is_a_setting() -> None:
    given = {name.removeprefix("CAIRN_LIMIT_").lower() for name in DeploymentSettings().intake_environment}
    assert given == set(Limits.__dataclass_fields__)


def test_every_setting_is_described() -> None:
    page = (ROOT / "docs/deploying.md").read_text()
    assert [name for name in DeploymentSettings.__dataclass_fields__ if f"| `{name}` |" not in page] == []
