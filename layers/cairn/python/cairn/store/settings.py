"""Where the deployment keeps things: names that the stack gives to its functions and prints as outputs."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass

VARIABLES = {
    "bucket": "CAIRN_BUCKET",
    "projects_table": "CAIRN_PROJECTS_TABLE",
    "symbols_table": "CAIRN_SYMBOLS_TABLE",
    "events_table": "CAIRN_EVENTS_TABLE",
}
"""Field to environment variable. The stack's outputs are called ``Bucket``, ``ProjectsTable`` and so on."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Names of the bucket and the three tables."""

    bucket: str
    projects_table: str
    symbols_table: str
    events_table: str

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Settings:
        """The settings of the running function. Raises ``KeyError`` naming the variable that is missing."""
        return cls(**{name: environment[variable] for name, variable in VARIABLES.items()})

    @classmethod
    def from_outputs(cls, outputs: Mapping[str, str]) -> Settings:
        """The settings from a stack's outputs, by output key."""
        return cls(**{name: outputs[name.title().replace("_", "")] for name in VARIABLES})
