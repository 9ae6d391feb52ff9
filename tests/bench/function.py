"""Where the symbolicate function spends its time: its start, and each crash."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
from pathlib import Path

from tests.bench.ceph import FOLDER, Ceph
from tests.bench.distant import Distant, distant
from tests.bench.figures import Section, number
from tests.bench.measure import python_environment
from tests.bench.stackwalk import CRASH

ROOT = Path(__file__).parents[2]

START = """
import json, sys, time
sys.path.insert(0, "functions/symbolicate")
taken = {}
def step(name, action):
    begin = time.process_time()
    action()
    taken[name] = time.process_time() - begin
step("botocore", lambda: __import__("botocore.session"))
tools = ("logging", "metrics", "utilities.batch")
step("powertools", lambda: [__import__(f"aws_lambda_powertools.{tool}") for tool in tools])
step("pydantic", lambda: __import__("pydantic"))
step("Cairn itself", lambda: __import__("handler"))
from cairn.store.aws import Clients
clients = Clients("http://127.0.0.1:1")
step("clients of S3 and DynamoDB", lambda: (clients.s3, clients.dynamodb))
print(json.dumps(taken))
"""
"""Imports in the order in which the handler comes to them, each with what it brings along."""


def symbolicate(ceph: Ceph, rounds: int) -> Section:
    """The parts of a cold start, and a crash in a cold and in a warm process."""
    starts = [_start() for _ in range(rounds + 1)][1:]
    rows = [(f"start: {part}", number(1000 * statistics.median(one[part] for one in starts))) for part in starts[0]]
    rows.append(("start: all", number(1000 * statistics.median(sum(one.values()) for one in starts))))
    with distant() as store:
        store.add(*ceph.native)
        rows += [(name, number(1000 * taken)) for name, taken in _crashes(store, ceph, rounds).items()]
    return Section(
        "The symbolicate function",
        ("part", "ms of processor time"),
        rows,
        (f"Python {sys.version.split()[0]} on this machine; Lambda's 3.13 on arm64 imports faster (deploying.md).",),
    )


def _start() -> dict[str, float]:
    environment = python_environment(FOLDER / "bytecode") | {"AWS_DEFAULT_REGION": "us-east-1"}
    command = [sys.executable, "-c", START]
    done = subprocess.run(command, check=True, capture_output=True, env=environment, cwd=ROOT)
    return dict(json.loads(done.stdout))


def _crashes(store: Distant, ceph: Ceph, rounds: int) -> dict[str, float]:
    dump = ceph.dumps[CRASH]
    first, hot, warm = [], [], []
    for _ in range(rounds):
        store.forget()
        first.append(store.crash(dump, store.cold()).cpu)
        files = store.cold()
        hot.append(store.crash(dump, files).cpu)
        warm.append(store.crash(dump, files).cpu)
    return {
        "crash: first of its program, nothing open": statistics.median(first),
        "crash: hot sets there, nothing open": statistics.median(hot),
        "crash: the same program in a warm process": statistics.median(warm),
    }
