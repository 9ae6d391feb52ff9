"""Programs of Debian packages: those of the system, or else unpacked under ``build/debian``, for which nobody needs to
be root."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sysconfig
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).parents[2] / "build/debian"
LIBRARIES = f"usr/lib/{sysconfig.get_config_var('MULTIARCH')}"


class NotFetchedError(Exception):
    """The package cannot be had here: this is no Debian, or its archive cannot be reached."""


@dataclass(frozen=True)
class Program:
    """A program, and the variables without which it does not find its libraries."""

    path: Path
    environment: dict[str, str]

    def run(self, *arguments: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run it with these variables and few others."""
        known = {"PATH": os.environ["PATH"], **self.environment, **environment}
        command = [str(word) for word in (self.path, *arguments)]
        return subprocess.run(command, env=known, capture_output=True, text=True, timeout=90, check=False)


def program_of(package: str, name: str) -> Program:
    """The program ``name`` of a package. Raises ``NotFetchedError``."""
    if installed := shutil.which(name):
        return Program(Path(installed), {})
    root = FOLDER / package
    FOLDER.mkdir(parents=True, exist_ok=True)
    with (FOLDER / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (root / "usr/bin" / name).exists():
            _unpack(package, root)
    return Program(root / "usr/bin" / name, {"LD_LIBRARY_PATH": str(root / LIBRARIES)})


def _unpack(package: str, root: Path) -> None:
    """Fetch the package and what it depends on that the system lacks: by the system's lists, or else by new ones."""
    own = FOLDER / "lists"
    lists = ["-o", f"Dir::State::Lists={own}", "-o", f"Dir::Cache={FOLDER}/cache"]
    try:
        try:
            archives = _fetch(package, [])
        except subprocess.CalledProcessError:
            own.mkdir(exist_ok=True)
            _output(["apt-get", *lists, "update"], FOLDER, 60)
            archives = _fetch(package, lists)
        for archive in archives:
            _output(["dpkg-deb", "--extract", str(archive), str(root)], FOLDER)
    except (OSError, subprocess.SubprocessError) as error:
        shutil.rmtree(root, ignore_errors=True)
        raise NotFetchedError(f"{package} is not installed, and cannot be fetched from Debian: {error}") from error


def _fetch(package: str, lists: list[str]) -> list[Path]:
    archives = FOLDER / f"{package}-archives"
    shutil.rmtree(archives, ignore_errors=True)
    archives.mkdir()
    plan = _output(["apt-get", *lists, "install", "--simulate", "--no-install-recommends", package], archives)
    missing = [line.split()[1] for line in plan.splitlines() if line.startswith("Inst ")]
    _output(["apt-get", *lists, "download", *missing], archives)
    return sorted(archives.glob("*.deb"))


def _output(command: list[str], folder: Path, seconds: float = 20) -> str:
    return subprocess.run(command, check=True, cwd=folder, capture_output=True, text=True, timeout=seconds).stdout
