"""Where the deployment keeps things: names that the stack gives to its functions and prints as outputs."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

VARIABLES = {
    "bucket": "CAIRN_BUCKET",
    "projects_table": "CAIRN_PROJECTS_TABLE",
    "symbols_table": "CAIRN_SYMBOLS_TABLE",
    "events_table": "CAIRN_EVENTS_TABLE",
}
"""Field to environment variable. The stack's outputs are called ``Bucket``, ``ProjectsTable`` and so on."""

RETENTION_VARIABLE = "CAIRN_RETENTION_DAYS"
RETENTION_DAYS = 90

DUMP_RETENTION_VARIABLE = "CAIRN_DUMP_RETENTION_DAYS"
DUMP_RETENTION_DAYS = 30

SYMBOL_RETENTION_VARIABLE = "CAIRN_SYMBOL_RETENTION_DAYS"
SYMBOL_RETENTION_DAYS = 90


@dataclass(frozen=True, slots=True)
class Settings:
    """Names of the bucket and the three tables, how many days an event and its dump are kept, and how many a debug file
    that no crash uses."""

    bucket: str
    projects_table: str
    symbols_table: str
    events_table: str
    retention_days: int = RETENTION_DAYS
    dump_retention_days: int = DUMP_RETENTION_DAYS
    symbol_retention_days: int = SYMBOL_RETENTION_DAYS

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Settings:
        """The settings of the running function. Raises ``KeyError`` naming the variable that is missing; the times of
        retention have defaults."""
        names: dict[str, Any] = {name: environment[variable] for name, variable in VARIABLES.items()}
        return cls(
            **names,
            retention_days=int(environment.get(RETENTION_VARIABLE, RETENTION_DAYS)),
            dump_retention_days=int(environment.get(DUMP_RETENTION_VARIABLE, DUMP_RETENTION_DAYS)),
            symbol_retention_days=int(environment.get(SYMBOL_RETENTION_VARIABLE, SYMBOL_RETENTION_DAYS)),
        )

    @classmethod
    def from_outputs(cls, outputs: Mapping[str, str]) -> Settings:
        """The settings from a stack's outputs, by output key."""
        names: dict[str, Any] = {name: outputs[name.title().replace("_", "")] for name in VARIABLES}
        return cls(**names)
