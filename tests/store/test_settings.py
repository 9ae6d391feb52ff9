"""The names that a deployment gives."""

from __future__ import annotations

import pytest

from cairn.store.settings import Settings

ENVIRONMENT = {
    "CAIRN_BUCKET": "b",
    "CAIRN_PROJECTS_TABLE": "p",
    "CAIRN_SYMBOLS_TABLE": "s",
    "CAIRN_EVENTS_TABLE": "e",
}


def test_settings_of_a_function() -> None:
    assert Settings.from_environment(ENVIRONMENT) == Settings("b", "p", "s", "e", retention_days=90)
    month = Settings.from_environment({**ENVIRONMENT, "CAIRN_RETENTION_DAYS": "30"})
    assert month.retention_days == 30


def test_a_missing_variable_is_named() -> None:
    del (environment := dict(ENVIRONMENT))["CAIRN_EVENTS_TABLE"]
    with pytest.raises(KeyError, match="CAIRN_EVENTS_TABLE"):
        Settings.from_environment(environment)


def test_settings_of_a_stack() -> None:
    outputs = {"Bucket": "b", "ProjectsTable": "p", "SymbolsTable": "s", "EventsTable": "e", "Endpoint": "x"}
    assert Settings.from_outputs(outputs) == Settings("b", "p", "s", "e")
