"""The true sentry-cli bundles the sources of a real program, and its crash shows them with nothing but this machine."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.command import cairn
from tests.contract.crashpad import crash
from tests.contract.sentry_cli import SentryCli, sentry_cli_2, sentry_cli_3

SOURCE = """
#include <cstdlib>

struct Part { int serial; };

int main(int argc, char**) {
    const Part* part = argc > 5 ? new Part : nullptr;
    return part->serial;
}
"""
CRASHING_LINE = 8


@pytest.mark.parametrize("binary", [sentry_cli_2, sentry_cli_3], ids=["2", "3"])
def test_stackwalk_shows_what_sentry_cli_bundled(binary: Callable[[], Path], tmp_path: Path) -> None:
    build, home = tmp_path / "build", tmp_path / "home"
    for folder in (build, home):
        folder.mkdir()
    program, source = build / "program", build / "program.cpp"
    source.write_text(SOURCE)
    subprocess.run(["g++", "-g", "-pthread", "-Wl,--build-id", "-o", program, source], check=True)
    done = SentryCli(binary(), home).run("debug-files", "bundle-sources", program)
    assert done.code == 0, done.output
    (dump,) = crash(program, tmp_path).dumps
    source.unlink()
    environment = {**os.environ, "XDG_CACHE_HOME": str(tmp_path / "cache")}
    shown = cairn("stackwalk", dump, "--symbols", build, environment=environment)
    assert (shown.code, shown.err) == (0, "")
    assert re.search(rf"> +{CRASHING_LINE} +return part->serial;\n +{CRASHING_LINE + 1}  }}\n", shown.out), shown.out
