"""What the fronts of intake share, be it a function or a server: the limits of the deployment, where crashes are kept,
and what is said of each."""

from __future__ import annotations

from functools import cache

from aws_lambda_powertools import Logger, single_metric
from aws_lambda_powertools.metrics import MetricUnit

from cairn.intake.limits import Limits
from cairn.intake.messages import Response
from cairn.pipeline.accepting.gate import Gate
from cairn.pipeline.accepting.intake_stores import RecentKeys, Stores
from cairn.pipeline.accepting.limiter import Limiter
from cairn.pipeline.accepting.spikes import Spikes
from cairn.pipeline.accepting.upload_privacy import UploadPrivacy
from cairn.pipeline.recent import Recent
from cairn.store import aws, counters, outcomes, projects, settings
from cairn.store.crashes import notes, signed_uploads, tus_uploads, uploads

NAMESPACE = "Cairn"
LIMITS = Limits.from_environment()

logger = Logger()


@cache
def stores() -> Stores:
    """Where keys and crashes are, for the life of the process."""
    names, clients = settings.Settings.from_environment(), aws.shared()
    hasty = clients.impatient()
    counts = outcomes.Outcomes(names, hasty)
    project = Recent(projects.Projects(names, hasty).get).get
    return Stores(
        RecentKeys(projects.Projects(names, clients)),
        uploads.Uploads(names, clients),
        notes.Notes(names, clients),
        Gate(project, Limiter(counters.Counters(names, hasty)), Spikes(counts, LIMITS)),
        counts,
        signed_uploads.SignedUploads(names, clients),
        tus_uploads.TusUploads(names, clients),
        UploadPrivacy(project),
    )


def report(response: Response) -> None:
    """Count and log the outcome: ids and reasons only, nothing that the client sent."""
    for kind, number in response.ignored.items():
        count("Ignored", number, kind=kind)
    if response.noted:
        count("Noted", response.noted)
    for problem in response.uncounted:
        count("Uncounted")
        logger.error("a limit was not checked, or an outcome not counted", exc_info=problem)
    if response.event_id:
        count("Accepted")
        logger.info("accepted", event_id=response.event_id)
    elif response.dropped:
        count("Dropped", reason=response.dropped)
        logger.info("dropped", reason=response.dropped)
    elif error := response.error:
        count("Rejected", reason=error.reason)
        log = logger.error if error.status >= 500 else logger.info
        log(
            "rejected",
            reason=error.reason,
            status=error.status,
            exc_info=error.__cause__ if error.status >= 500 else None,
        )


def count(name: str, number: int = 1, **dimensions: str) -> None:
    """Print one metric in CloudWatch's embedded format."""
    with single_metric(name=name, unit=MetricUnit.Count, value=number, namespace=NAMESPACE) as metric:
        for dimension, value in dimensions.items():
            metric.add_dimension(dimension, value)
