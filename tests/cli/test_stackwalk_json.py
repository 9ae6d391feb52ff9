"""`cairn stackwalk --json`: what it prints is held in tests/crash; here, that it does, and how it starts."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.cli.command import cairn
from tests.crash.symbol_files import SAMPLE

DUMP = SAMPLE / "lighthouse.dmp"
HEAVY = {"pydantic", "rich", "boto3", "botocore", "symbolic", "zstandard", "capstone", "importlib.metadata", "email"}
SLOW_CLASSES = "dataclasses"
"""What ``docs/decisions/025-records-are-named-tuples.md`` keeps out."""


def stackwalk(cache: Path, *arguments: str | Path) -> Any:
    environment = {**os.environ, "XDG_CACHE_HOME": str(cache)}
    done = cairn("stackwalk", DUMP, *arguments, "--json", environment=environment)
    assert (done.code, done.err) == (0, "")
    return done.json


def test_json_is_what_other_stackwalkers_print(tmp_path: Path) -> None:
    said = stackwalk(tmp_path, "--symbols", SAMPLE / "lighthouse")
    assert said["crash_info"]["type"] == "SIGSEGV / SEGV_MAPERR"
    assert said["crashing_thread"]["frames"][0]["module"] == "lighthouse"
    assert said["cairn"]["problems"] == []


def test_a_symbol_file_that_cannot_be_read_is_a_problem(tmp_path: Path) -> None:
    bad = tmp_path / "lighthouse"
    bad.write_bytes((SAMPLE / "lighthouse").read_bytes()[:3000])
    said = stackwalk(tmp_path, "--symbols", bad)
    assert [problem for problem in said["cairn"]["problems"] if problem.startswith(f"{bad}: ")]


def test_it_starts_without_what_it_does_not_need() -> None:
    script = (
        "import sys; from cairn_cli.main import main\n"
        f"main(['stackwalk', {str(DUMP)!r}, '--json']); print(*sys.modules, file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True)
    loaded = done.stderr.split()
    assert "cairn.crash.stackwalk_json" in loaded
    assert {*HEAVY, SLOW_CLASSES}.isdisjoint(loaded)


def test_symbols_that_are_compiled_are_read_without_dataclasses(tmp_path: Path) -> None:
    stackwalk(tmp_path, "--symbols", SAMPLE / "lighthouse")
    again = ["stackwalk", str(DUMP), "--json", "--symbols", str(SAMPLE / "lighthouse")]
    script = f"import sys; from cairn_cli.main import main; main({again}); print(*sys.modules, file=sys.stderr)"
    environment = {**os.environ, "XDG_CACHE_HOME": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True, env=environment)
    loaded = done.stderr.split()
    assert "cairn.symbols.symbol_file.reader" in loaded
    assert SLOW_CLASSES not in loaded
