"""Docs that cannot rot: what they quote, link to and list is what is there."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from cairn_cli.main import COMMANDS
from tests.cli.command import cairn
from tests.crash.symbol_files import SAMPLE

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
SOURCES = [
    path
    for folder in ("layers/cairn/python", "cli", "functions", "services", "infra")
    for path in sorted((ROOT / folder).rglob("*.py"))
]


def test_the_readme_shows_what_the_demo_prints(tmp_path: Path) -> None:
    environment = {**os.environ, "XDG_CACHE_HOME": str(tmp_path)}
    report = cairn(
        "stackwalk", SAMPLE / "lighthouse.dmp", "--symbols", SAMPLE, "--crashed-only", environment=environment
    )
    readme = (ROOT / "README.md").read_text()
    for line in report.out.splitlines():
        if line.strip() and "  event " not in line and "debug id" not in line:
            assert line.rstrip() in readme, f"README.md lacks what the report has: {line}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)[^)]*\)", page.read_text()):
        if "://" not in target:
            assert (page.parent / target).exists(), f"{page.name} links to {target}"


def test_every_command_is_described() -> None:
    readme = (ROOT / "README.md").read_text()
    assert [command for command in COMMANDS if f"cairn {command}" not in readme] == []


def test_every_environment_variable_is_described() -> None:
    used = {name for path in SOURCES for name in re.findall(r'"(CAIRN_[A-Z_]+)"', path.read_text())}
    described = "\n".join(page.read_text() for page in PAGES)
    assert used
    assert [name for name in sorted(used) if name not in described] == []
