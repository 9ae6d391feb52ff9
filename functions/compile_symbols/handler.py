"""Messages about debug files in: new ones are compiled, those that came in chunks are put together, those that symbol
servers may have are fetched, and the crashes that waited for them are symbolicated again. Large dumps are scrubbed."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from aws_lambda_powertools.utilities.typing import LambdaContext

from cairn.pipeline.debug_files.assemble_debug_file import AssemblyStep
from cairn.pipeline.debug_files.compile_debug_file import Compilation, CompiledDebugFile
from cairn.pipeline.debug_files.fetch_symbols import FetchStep
from cairn.pipeline.debug_files.first_sources import FirstSources
from cairn.pipeline.debug_files.sweep_debug_files import Sweep
from cairn.pipeline.debug_files.wake_waiting import Queues, Waking
from cairn.pipeline.symbolicating.scrub_large_dump import LargeDumpScrubbing
from cairn.servers.download import HttpServers
from cairn.servers.near import near_networks
from cairn.store.aws import shared
from cairn.store.notifications import (
    FIRST_SOURCES,
    SWEEP,
    assembly_in,
    fetch_in,
    is_first_sources,
    is_sweep,
    object_keys,
    requeue_message,
    scrub_in,
    waking_in,
)
from cairn.store.settings import Settings
from cairn.store.symbols.symbol_index import ModuleIds, SymbolEntry

logger = Logger(service="compile_symbols")
metrics = Metrics(namespace="Cairn", service="compile_symbols")
processor = BatchProcessor(event_type=EventType.SQS, raise_on_entire_batch_failure=False)


@cache
def compilation() -> Compilation:
    """The step, made on the first message and kept while the function is warm."""
    return Compilation(Settings.from_environment(), shared())


@cache
def assembly_step() -> AssemblyStep:
    """The other step, likewise."""
    return AssemblyStep(Settings.from_environment(), shared())


@cache
def queues() -> Queues:
    """The queues that the steps send to."""
    return Queues.from_environment(shared())


@cache
def waking() -> Waking:
    """The third step, likewise."""
    return Waking(Settings.from_environment(), shared(), queues())


@cache
def sweeping() -> Sweep:
    """The fourth step, likewise."""
    return Sweep(Settings.from_environment(), shared())


@cache
def fetching() -> FetchStep:
    """The fifth step, likewise."""
    servers = HttpServers(near=near_networks())
    return FetchStep(Settings.from_environment(), shared(), queues().debug_files, servers)


@cache
def scrubbing() -> LargeDumpScrubbing:
    """The sixth step, likewise."""
    return LargeDumpScrubbing(Settings.from_environment(), shared())


@cache
def first_sources() -> FirstSources:
    """The seventh step, likewise."""
    return FirstSources(Settings.from_environment(), shared(), queues().crashes)


def work_on(record: SQSRecord) -> None:
    """Do what one message asks for. What fails is logged here: the batch only counts it."""
    try:
        _work_on(record)
    except Exception:
        logger.exception("the message failed and comes again", message_id=record.message_id)
        raise


def _work_on(record: SQSRecord) -> None:
    if wanted := assembly_in(record.body):
        done = assembly_step().run(*wanted)
        metrics.add_metric(
            name="DebugFileAssembled" if done.key else "DebugFileNotAssembled", unit=MetricUnit.Count, value=1
        )
        logger.info("assembly", sha1=wanted[0], key=done.key, reason=done.reason)
        compile_all((done.key,) if done.key and done.compile else ())
        wake_all(done.entries)
    elif more := waking_in(record.body):
        wake(*more)
    elif is_sweep(record.body):
        sweep()
    elif asked := fetch_in(record.body):
        fetch(*asked)
    elif upload_key := scrub_in(record.body):
        scrub(upload_key)
    elif is_first_sources(record.body):
        tell_of_sources()
    else:
        compile_all(object_keys(record.body))


def sweep() -> None:
    """Delete debug files that no crash used for long."""
    deleted, has_more = sweeping().run()
    metrics.add_metric(name="DebugFileExpired", unit=MetricUnit.Count, value=len(deleted))
    logger.info("sweep", deleted=deleted)
    if has_more:
        queues().debug_files.send(json.dumps(SWEEP))


def fetch(project_id: int, key: str) -> None:
    """Fetch the files of a module from symbol servers; S3 tells of those that are new."""
    done = fetching().run(project_id, key)
    outcome = "SymbolFileFetched" if done.keys else "SymbolFileMissed"
    if done.attempts:
        metrics.add_metric(name=outcome, unit=MetricUnit.Count, value=1)
    for attempt in done.attempts:
        logger.info("symbol server", source=attempt.source, location=attempt.location, status=attempt.status)
    logger.info("fetched", project=project_id, wanted=key, debug_files=done.keys, attempts=len(done.attempts))


def scrub(upload_key: str) -> None:
    """Take the secrets out of a large dump."""
    outcome = scrubbing().run(upload_key)
    metrics.add_metric(name=f"LargeDump{outcome.value.title()}", unit=MetricUnit.Count, value=1)
    logger.info("large dump", upload=upload_key, outcome=outcome.value)


def tell_of_sources() -> None:
    """Have the last crashes symbolicated again: there are sources now."""
    told = first_sources().run()
    if told:
        metrics.add_metric(name="CrashWoken", unit=MetricUnit.Count, value=told)
    logger.info("first sources", crashes=told)


def compile_all(keys: tuple[str, ...]) -> None:
    """Compile debug files."""
    for key in keys:
        done = compilation().run(key)
        metrics.add_metric(name=outcome_of(done), unit=MetricUnit.Count, value=1)
        made = [entry.key for entry in done.entries]
        logger.info("debug file", key=key, symbol_files=made, reason=done.reason, problems=done.problems)
        wake_all(done.entries)
        if done.first_sources:
            queues().debug_files.send(json.dumps(FIRST_SOURCES))
        for member in done.again:
            queues().debug_files.send(requeue_message(member))


def outcome_of(done: CompiledDebugFile) -> str:
    """What became of a debug file, for the metric of that name."""
    if done.members:
        return "DebugFilesUnpacked"
    if done.waits:
        return "DebugFileWaits"
    return "DebugFileCompiled" if done.entries else "DebugFileRefused"


def wake_all(entries: tuple[SymbolEntry, ...]) -> None:
    """Wake the crashes that wait for any of these symbol files, or source bundles."""
    for entry in entries:
        wake((entry.debug_id, entry.code_id), sources=entry.format == "sourcebundle")


def wake(ids: ModuleIds, before: float | None = None, sources: bool = False) -> None:
    """Have the crashes symbolicated again that wait for symbols with these ids, or for sources."""
    woken = waking().run(ids, before, sources)
    if woken:
        metrics.add_metric(name="CrashWoken", unit=MetricUnit.Count, value=woken)
        logger.info("woken", debug_id=ids[0], code_id=ids[1], crashes=woken)


@logger.inject_lambda_context
@metrics.log_metrics
def handler(event: dict[str, Any], context: LambdaContext) -> Any:
    """Lambda's entry point: answers which messages failed and are to come again."""
    return process_partial_response(event=event, record_handler=work_on, processor=processor, context=context)
