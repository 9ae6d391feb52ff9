"""Messages about new uploads in; their events out."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from dataclasses import asdict
from functools import cache
from typing import Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from aws_lambda_powertools.utilities.typing import LambdaContext

from cairn.pipeline.symbolicating.ask_symbol_servers import SymbolServerRequests
from cairn.pipeline.symbolicating.symbolicate import Symbolication
from cairn.store.aws import shared
from cairn.store.notifications import object_keys
from cairn.store.queues import debug_file_queue
from cairn.store.settings import Settings

logger = Logger(service="symbolicate")
# A message may hold nothing to do (S3's test event); that is no fault to warn about.
warnings.filterwarnings("ignore", "No application metrics to publish")
metrics = Metrics(namespace="Cairn", service="symbolicate")
processor = BatchProcessor(event_type=EventType.SQS, raise_on_entire_batch_failure=False)


@cache
def symbolication() -> Symbolication:
    """The step, made on the first message and kept while the function is warm."""
    settings, clients = Settings.from_environment(), shared()
    queue = debug_file_queue(clients)
    return Symbolication(settings, clients, SymbolServerRequests(settings, clients, queue), queue)


def symbolicate_record(record: SQSRecord) -> None:
    """Make the events of one message's uploads. What fails is logged here: the batch only counts it."""
    try:
        _symbolicate(object_keys(record.body))
    except Exception:
        logger.exception("the message failed and comes again", message_id=record.message_id)
        raise


def _symbolicate(keys: Iterable[str]) -> None:
    for key in keys:
        done = symbolication().run(key)
        metrics.add_metric(name=f"Crash{done.outcome.value.title()}", unit=MetricUnit.Count, value=1)
        logger.info("crash", upload=key, **asdict(done))


@logger.inject_lambda_context
@metrics.log_metrics
def handler(event: dict[str, Any], context: LambdaContext) -> Any:
    """Lambda's entry point: answers which messages failed and are to come again."""
    return process_partial_response(
        event=event, record_handler=symbolicate_record, processor=processor, context=context
    )
