"""What a cold start takes: each function until it can take a request, beside boto3 with the same two clients."""

from __future__ import annotations

import sys

from tests.bench.ceph import FOLDER
from tests.bench.figures import Section, number
from tests.bench.measure import Command, interleaved, python_environment

FUNCTIONS = ("ingest", "symbolicate", "debug_files", "compile_symbols")

PEERS = {
    "Python": "",
    "`import boto3`": "import boto3",
    "boto3, clients of S3 and DynamoDB": "import boto3; [boto3.client(name) for name in ('s3', 'dynamodb')]",
}
START = "import sys; sys.path.insert(0, 'functions/{name}'); import cairn.cold_start"
LEAVE = "\nimport os; os._exit(0)"
"""A function is not taken apart at its end, which for Python takes time too."""

ENVIRONMENT = {"AWS_DEFAULT_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x"}


def starts(rounds: int) -> Section:
    """Run from the checkout's root. Nothing is asked of AWS."""
    code = PEERS | {f"`{name}`": START.format(name=name) for name in FUNCTIONS}
    commands: dict[str, Command] = {what: [sys.executable, "-c", one + LEAVE] for what, one in code.items()}
    costs = interleaved(commands, rounds, python_environment(FOLDER / "bytecode") | ENVIRONMENT)
    return Section(
        "Cold starts",
        ("what", "ms of processor time", "MB at most"),
        [(what, number(1000 * cost.cpu), number(cost.megabytes)) for what, cost in costs.items()],
        (f"Python {sys.version.split()[0]}, with its bytecode, as the bundles have it.",),
    )
