"""Filters by message: they look at a crash once it is symbolicated, since before there is no message."""

from __future__ import annotations

from collections.abc import Iterable

from cairn.crash.build_client_event import message_of
from cairn.crash.event import Event
from cairn.intake.outcomes import FILTERED_MESSAGE, Outcome
from cairn.intake.rules import FilterKind, matching
from cairn.pipeline.recent import Recent
from cairn.store.aws import Clients
from cairn.store.crashes.drops import Drops
from cairn.store.crashes.uploads import StoredUpload
from cairn.store.outcomes import Outcomes
from cairn.store.projects import Project, Projects
from cairn.store.settings import Settings


class MessageFilter:
    """The filters of all projects. Each project is looked up once a minute, with ``projects`` where others look them up
    too."""

    def __init__(
        self, settings: Settings, clients: Clients, projects: Recent[int, Project | None] | None = None
    ) -> None:
        self._projects = projects or Recent(Projects(settings, clients).get)
        self._drops = Drops(settings, clients)
        self._outcomes = Outcomes(settings, clients)

    def drops(self, event: Event, upload: StoredUpload) -> bool:
        """Whether the event is not to be kept. It is counted once, however often it is asked, and no more as accepted:
        the drop is noted first, so a function that dies in between leaves the count as it was."""
        project = self._projects.get(upload.project_id)
        if project is None or not matching(project.filters, FilterKind.MESSAGE, texts_of(event)):
            return False
        if self._drops.put(upload.project_id, event.event_id, FILTERED_MESSAGE, upload.received):
            self._count(upload)
        return True

    def _count(self, upload: StoredUpload) -> None:
        where = upload.project_id, upload.public_key
        self._outcomes.count(*where, Outcome.DROPPED, FILTERED_MESSAGE, upload.received)
        if upload.public_key:  # an older Cairn did not note by which key it counted
            self._outcomes.count(*where, Outcome.ACCEPTED, "", upload.received, -1)


def texts_of(event: Event) -> Iterable[str]:
    """What a filter looks at: title, reason, and what the exception and the message say."""
    crash, message = event.crash, message_of({"message": event.message})
    found = [event.title, event.culprit, message]
    if crash:
        found += [crash.type, crash.value, f"{crash.type}: {crash.value}"]
    return [text for text in found if text]
