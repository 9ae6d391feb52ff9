"""`cairn local`: run Cairn on this machine."""

from __future__ import annotations

import argparse
from pathlib import Path

from cairn_cli.local.run import run_local
from cairn_cli.local.state import default_state_dir

EXAMPLES = ["cairn local", "cairn local --port 9000 --state /srv/cairn", "cairn local --verbose"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Port, state and how much to say."""
    parser.add_argument("--port", type=int, default=8000, help="where clients send crashes (default: 8000; 0: any)")
    parser.add_argument("--state", type=Path, help=f"where everything is kept (default: {default_state_dir()})")
    parser.add_argument("--verbose", action="store_true", help="show every request, and what the functions log")


def run(arguments: argparse.Namespace) -> int:
    """Run until it is stopped; returns the exit code."""
    run_local(arguments.port, arguments.state, arguments.verbose, lambda line: print(line, flush=True))
    return 0
