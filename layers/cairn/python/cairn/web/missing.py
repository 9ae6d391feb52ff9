"""The list of modules without symbols, as JSON. Sentry has none; names of fields are as in its other answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cairn.store.symbols.missing_modules import MissingModule, missing_modules
from cairn.store.symbols.source_answers import SourceAnswer, SourceAnswers
from cairn.store.symbols.waiting import WaitingCrashes
from cairn.symbols.helpful_files import upload_command
from cairn.web.errors import BadRequestError
from cairn.web.organizations import moment

MOST_CRASHES = 1000
"""Crashes that one answer looks at, the latest: some megabytes of the table."""


@dataclass(frozen=True, slots=True)
class MissingList:
    """What the list needs."""

    waiting: WaitingCrashes
    answers: SourceAnswers

    def answer(self, project_id: int, query: Mapping[str, str]) -> list[dict[str, Any]]:
        """The modules that the last crashes of a project wait for; ``crashes`` in ``query`` says how many of these
        crashes count. Raises ``BadRequestError``."""
        crashes = query.get("crashes", str(MOST_CRASHES))
        if not crashes.isascii() or not crashes.isdigit() or not 1 <= int(crashes[:9]) <= MOST_CRASHES:
            raise BadRequestError(f"crashes is a number from 1 to {MOST_CRASHES}")
        found = missing_modules(self.waiting.wanted(project_id, int(crashes)))
        answers = self.answers.of(project_id, [missing.module for missing in found])
        return [module_json(missing, answers[missing.module]) for missing in found]


def module_json(missing: MissingModule, answers: Sequence[SourceAnswer]) -> dict[str, Any]:
    """The JSON of one module, of which symbol servers said ``answers``."""
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
        "sources": [answer_json(answer) for answer in answers],
        "lacks": list(module.lacks or ()),
        "crashes": missing.crashes,
        "firstSeen": moment(missing.first_seen),
        "lastSeen": moment(missing.last_seen),
        "events": list(missing.events),
        "files": list(missing.files),
        "command": upload_command(missing.files),
        "nextStep": missing.next_step,
    }


def answer_json(answer: SourceAnswer) -> dict[str, Any]:
    """The JSON of what one symbol server said."""
    return {
        "name": answer.source,
        "status": answer.status.value,
        "details": answer.details,
        "locations": list(answer.locations),
        "askedAgain": moment(answer.asked_again) if answer.asked_again is not None else None,
    }
