"""The list of modules without symbols, as JSON. Sentry has none; names of fields are as in its other answers."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cairn.store.missing_modules import MissingModule, missing_modules
from cairn.store.waiting import WaitingCrashes
from cairn.web.errors import BadRequestError
from cairn.web.organizations import moment

MOST_CRASHES = 1000
"""Crashes that one answer looks at, the latest: some megabytes of the table."""


@dataclass(frozen=True, slots=True)
class MissingList:
    """What the list needs."""

    waiting: WaitingCrashes

    def answer(self, project_id: int, query: Mapping[str, str]) -> list[dict[str, Any]]:
        """The modules that the last crashes of a project wait for; ``crashes`` in ``query`` says how many of these
        crashes count. Raises ``BadRequestError``."""
        crashes = query.get("crashes", str(MOST_CRASHES))
        if not crashes.isascii() or not crashes.isdigit() or not 1 <= int(crashes[:9]) <= MOST_CRASHES:
            raise BadRequestError(f"crashes is a number from 1 to {MOST_CRASHES}")
        return [module_json(module) for module in missing_modules(self.waiting.wanted(project_id, int(crashes)))]


def module_json(missing: MissingModule) -> dict[str, Any]:
    """The JSON of one module."""
    module = missing.module
    return {
        "name": module.name,
        "debugFile": module.debug_file,
        "debugId": module.debug_id,
        "codeId": module.code_id,
        "type": module.type,
        "arch": module.arch,
        "os": module.os,
        "inApp": module.in_app,
        "status": module.status,
        "reason": module.reason,
        "lacks": list(module.lacks or ()),
        "crashes": missing.crashes,
        "firstSeen": moment(missing.first_seen),
        "lastSeen": moment(missing.last_seen),
        "events": list(missing.events),
        "files": list(missing.files),
        "command": command(missing),
    }


def command(missing: MissingModule) -> str:
    """What to type to send a module's files. Names come from dumps: they are quoted."""
    return " ".join(["cairn upload-debug-files", *(shlex.quote(f"PATH/TO/{file}") for file in missing.files)])
