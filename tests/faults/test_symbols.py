"""A fault at every call of every step by which symbols come and go: the crashes that lack them get them, and each debug
file is kept once."""

from __future__ import annotations

import io
import json
import subprocess
import tempfile
import time
import zipfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from cairn.pipeline.debug_files import fetch_symbols
from cairn.pipeline.debug_files.compile_debug_file import Compilation
from cairn.pipeline.symbolicating.reprocess import Selection
from cairn.store.errors import StoreError
from cairn.store.notifications import SWEEP, assemble_message, fetch_in, requeue_message, wake_message
from cairn.store.queues import Queue
from cairn.store.settings import SYMBOL_RETENTION_VARIABLE
from cairn.store.sources import ProjectSources
from cairn.store.symbols import assemblies, fetches
from cairn.store.symbols.assemblies import Assemblies, Plan
from cairn.store.symbols.chunks import Chunks
from cairn.store.symbols.debug_files import DebugFiles, debug_file_key
from cairn.symbols.sources.records import FileType, Layout, Source
from tests.faults.clients import Died, Fault, FaultyClients, Kind
from tests.faults.conftest import Runs
from tests.faults.deployment import Deployment, Invocation
from tests.faults.scenarios import (
    EVENT_ID,
    KINDS,
    NAMED,
    SYMBOLS,
    Scenario,
    accepted,
    crash_message,
    debug_file_arrived,
    debug_file_message,
    is_good,
    sha1,
    upload_debug_file,
    waiting,
    with_symbols,
)
from tests.web.conftest import FORM, form

CHUNK = 70
PIECES = [SYMBOLS[start : start + CHUNK] for start in range(0, len(SYMBOLS), CHUNK)]
PLAN = Plan(sha1(SYMBOLS), "lighthouse.sym", tuple(map(sha1, PIECES)), len(SYMBOLS))
DEBUG_ID = "b72467fd-1af4-52ed-a50d-2a5285771077"
ASSEMBLE = "/api/0/projects/cairn/demo/files/difs/assemble/"
CHUNK_UPLOAD = "/api/0/organizations/cairn/chunk-upload/"
SERVER = "our-symbols"
"""A bucket of the team's with symbols in it."""
OTHER_SYMBOLS = b"MODULE Linux x86_64 00112233445566778899AABBCCDDEEFF0 lantern\nFUNC 10 4 0 Lantern::glow\n"
PATIENCE = 5
"""How often a build machine asks what became of a file."""


class Pair(NamedTuple):
    """A stripped program, and the debug companion that it names."""

    program: bytes
    companion: bytes


@pytest.fixture(autouse=True, scope="module")
def no_pauses() -> Iterator[None]:
    """What is to be tried again later can be tried at once, and what is not used is too old."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fetch_symbols, "SOON", 0)
        patch.setattr(assemblies, "SENDING_SECONDS", 0)
        patch.setenv(SYMBOL_RETENTION_VARIABLE, "0")
        yield


def post_chunks(deployment: Deployment, fault: Fault | None = None) -> Invocation:
    body = form(*(("file", sha1(piece), piece) for piece in PIECES))
    return deployment.post_files(CHUNK_UPLOAD, body, {"content-type": FORM}, fault)


def assemble(deployment: Deployment, fault: Fault | None = None) -> Invocation:
    body = json.dumps({PLAN.sha1: {"name": PLAN.name, "chunks": PLAN.chunks}}).encode()
    return deployment.post_files(ASSEMBLE, body, {"content-type": "application/json"}, fault)


def wait_for_assembly(deployment: Deployment, _: object = None) -> None:
    """Ask until the file is there, as sentry-cli does with ``--wait``."""
    for _ in range(PATIENCE):
        deployment.settle()
        state = json.loads(assemble(deployment).answer["body"])[PLAN.sha1]["state"]
        if state == "ok":
            return
        assert state == "assembling"
    raise AssertionError("the file is still being put together")


def zipped(**files: bytes) -> bytes:
    """An archive that is the same each time."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, content in files.items():
            archive.writestr(zipfile.ZipInfo(f"build/{name}.sym"), content)
    return packed.getvalue()


def archive_arrived(deployment: Deployment, archive: bytes = zipped(lighthouse=SYMBOLS, other=OTHER_SYMBOLS)) -> None:
    waiting(deployment)
    store = DebugFiles(deployment.settings, deployment.clients)
    assert store.put_stream(sha1(archive), "symbols.zip", io.BytesIO(archive), len(archive))


def damaged_archive_arrived(deployment: Deployment) -> None:
    """A file of the archive is not what the directory says of it."""
    archive = zipped(lighthouse=SYMBOLS, other=OTHER_SYMBOLS)
    archive_arrived(deployment, archive.replace(b"Lantern", b"LANTERN"))


def companion_waits(deployment: Deployment) -> None:
    """A companion is there, and now its program arrives."""
    upload_file(deployment, no_build_id().companion)
    deployment.settle()
    upload_file(deployment, no_build_id().program)


def program_is_there(deployment: Deployment) -> None:
    """A program is there, and now its companion arrives."""
    upload_file(deployment, no_build_id().program)
    deployment.settle()
    upload_file(deployment, no_build_id().companion)


def upload_file(deployment: Deployment, content: bytes) -> None:
    store = DebugFiles(deployment.settings, deployment.clients)
    assert store.put_stream(sha1(content), "program", io.BytesIO(content), len(content))


@cache
def no_build_id() -> Pair:
    """A program without a build id, and its companion, compiled once."""
    with tempfile.TemporaryDirectory() as folder:
        source, program, companion = (Path(folder) / name for name in ("program.c", "program", "program.debug"))
        source.write_text("int main(int count, char **texts) { return texts[count] != 0; }")
        subprocess.run(["gcc", "-g", "-Wl,--build-id=none", "-o", program, source], check=True)
        subprocess.run(["objcopy", "--only-keep-debug", program, companion], check=True)
        subprocess.run(["objcopy", "--strip-all", f"--add-gnu-debuglink={companion}", program], check=True)
        return Pair(program.read_bytes(), companion.read_bytes())


def chunks_sent(deployment: Deployment) -> None:
    waiting(deployment)
    assert is_good(post_chunks(deployment))


def chunks_arrived(deployment: Deployment) -> None:
    waiting(deployment)
    Chunks(deployment.settings, deployment.clients).put(dict(zip(PLAN.chunks, PIECES, strict=True)))
    assert Assemblies(deployment.settings, deployment.clients).start(PLAN)
    deployment.send("debug-files", assemble_message(PLAN.sha1, PLAN.id))


def chunks_of_a_known_file_arrived(deployment: Deployment) -> None:
    """The file is there, but nobody told that it is to be compiled."""
    upload_debug_file(deployment)
    deployment.bodies("debug-files")
    chunks_arrived(deployment)


def nobody_was_woken(deployment: Deployment) -> None:
    """Symbols are there, and a crash waits for them still: a message is on its way that wakes it."""
    debug_file_arrived(deployment)
    deployment.bodies("debug-files")
    Compilation(deployment.settings, deployment.clients).run(debug_file_key(sha1(SYMBOLS), "lighthouse.sym"))
    deployment.send("debug-files", wake_message(DEBUG_ID, None, time.time() + 60))


def with_a_symbol_server(deployment: Deployment) -> None:
    """A crash is in, and a server of the project has its symbols."""
    accepted(deployment)
    deployment.clients.s3.create_bucket(Bucket=SERVER)
    path = f"lighthouse/{SYMBOLS.split()[3].decode()}/lighthouse.sym"
    deployment.clients.s3.put_object(Bucket=SERVER, Key=path, Body=SYMBOLS)
    source = Source("ours", f"s3://{SERVER}", Layout.BREAKPAD, (FileType.BREAKPAD,))
    ProjectSources(deployment.settings, deployment.clients).add(1, source)


def to_be_fetched(deployment: Deployment) -> None:
    """The next message asks to fetch the symbols; those that ask for what the server does not have are lost."""
    with_a_symbol_server(deployment)
    assert deployment.deliver("crashes")
    wanted = fetches.fetch_key((DEBUG_ID, None))
    (ours,) = [body for body in deployment.bodies("debug-files") if (fetch_in(body) or (0, ""))[1] == wanted]
    deployment.send("debug-files", ours)


def unused(deployment: Deployment) -> None:
    """A crash had its symbols of a debug file, which is too old now."""
    with_symbols(deployment)
    deployment.settle()
    deployment.send("debug-files", json.dumps(SWEEP))


def never_made(deployment: Deployment) -> None:
    """The message about a crash was lost, and then its symbols came."""
    accepted(deployment)
    deployment.bodies("crashes")
    upload_debug_file(deployment)
    deployment.settle()


def reprocess_event(deployment: Deployment, fault: Fault | None = None) -> Invocation:
    return reprocess(deployment, fault, lambda selection: selection.of_events([EVENT_ID]).keys)


def reprocess_time(deployment: Deployment, fault: Fault | None = None) -> Invocation:
    return reprocess(deployment, fault, lambda selection: selection.of_time(1, time.time() - 60, time.time() + 60).keys)


def reprocess(deployment: Deployment, fault: Fault | None, chosen: Any) -> Invocation:
    """What `cairn reprocess` does."""
    clients = FaultyClients(deployment.clients, fault)
    try:
        keys = chosen(Selection(deployment.settings, clients))
        Queue(clients, deployment.queues["crashes"]).send_all([requeue_message(key) for key in keys])
        return Invocation({"statusCode": 200}, clients.calls)
    except StoreError:
        return Invocation({"statusCode": 500}, clients.calls)
    except Died:
        return Invocation(None, clients.calls)


SCENARIOS = {
    "a debug file somebody waits for": Scenario(debug_file_arrived, debug_file_message, (NAMED,)),
    "an archive": Scenario(archive_arrived, debug_file_message, (NAMED,)),
    "an archive of which a file is damaged": Scenario(damaged_archive_arrived, debug_file_message, (NAMED,)),
    "a program whose companion waits": Scenario(companion_waits, debug_file_message, (), accepted=0),
    "a companion whose program is there": Scenario(program_is_there, debug_file_message, (), accepted=0),
    "chunks from sentry-cli": Scenario(waiting, post_chunks, (NAMED,), wait_for_assembly),
    "sentry-cli asks for assembly": Scenario(chunks_sent, assemble, (NAMED,), wait_for_assembly),
    "a debug file in chunks": Scenario(chunks_arrived, debug_file_message, (NAMED,)),
    "chunks of a known debug file": Scenario(chunks_of_a_known_file_arrived, debug_file_message, (NAMED,)),
    "waking": Scenario(nobody_was_woken, debug_file_message, (NAMED,)),
    "asking symbol servers": Scenario(with_a_symbol_server, crash_message, (NAMED,)),
    "fetching from a symbol server": Scenario(to_be_fetched, debug_file_message, (NAMED,)),
    "sweeping": Scenario(unused, debug_file_message, (NAMED,)),
    "reprocessing an event": Scenario(never_made, reprocess_event, (NAMED,)),
    "reprocessing a time": Scenario(never_made, reprocess_time, (NAMED,)),
}


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.value)
@pytest.mark.parametrize("name", SCENARIOS)
def test_a_fault_at_any_call_changes_nothing_in_the_end(runs: Runs, name: str, kind: Kind) -> None:
    runs.check(SCENARIOS[name], kind)
