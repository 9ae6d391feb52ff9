from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FUNCTIONS = sorted(path.parent.name for path in (ROOT / "functions").glob("*/handler.py"))
SCRIPT = """
import gc, sys; sys.path.insert(0, "functions/{name}")
import cairn.cold_start as start, handler
from cairn.store.aws import shared
print(start.handler is handler.handler, sorted(shared()._made), gc.isenabled(), gc.get_freeze_count() > 1000)
"""


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_is_ready_when_it_is_imported(name: str) -> None:
    given = {"AWS_DEFAULT_REGION": "eu-1", "AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x"}
    script = SCRIPT.format(name=name)
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, cwd=ROOT, env=given, check=False
    )
    assert done.stdout == "True ['dynamodb', 's3'] True True\n", done.stderr
