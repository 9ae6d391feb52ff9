"""`cairn local`: run Cairn on this machine."""

from __future__ import annotations

import argparse
from pathlib import Path

from cairn_cli.local.run import LocalCairn, run_local
from cairn_cli.local.state import default_state_dir

EXAMPLES = [
    "cairn local",
    "cairn local --port 9000 --state /srv/cairn",
    "cairn local --large-uploads",
    "cairn local --verbose",
]
LARGE_UPLOADS_PORT = 8001


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Ports, state and how much to say."""
    parser.add_argument("--port", type=int, default=8000, help="where clients send crashes (default: 8000; 0: any)")
    parser.add_argument(
        "--large-uploads",
        type=int,
        nargs="?",
        const=LARGE_UPLOADS_PORT,
        metavar="PORT",
        help=f"a second door for requests of up to 20 MB (at {LARGE_UPLOADS_PORT}; 0: any)",
    )
    parser.add_argument("--state", type=Path, help=f"where everything is kept (default: {default_state_dir()})")
    parser.add_argument("--verbose", action="store_true", help="show every request, and what the functions log")


def run(arguments: argparse.Namespace) -> int:
    """Run until it is stopped; returns the exit code."""
    cairn = LocalCairn(arguments.state, arguments.port, say, large_uploads=arguments.large_uploads)
    run_local(cairn, arguments.verbose)
    return 0


def say(line: str) -> None:
    """Print a line at once."""
    print(line, flush=True)
