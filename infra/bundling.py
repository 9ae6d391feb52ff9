"""Builds what the deployment ships, without docker: one folder and one zip for each layer and each function.

``build/lambda/`` holds what AWS runs (arm64, python3.13), ``build/local/`` what the local run executes (this machine,
this Python). In each of them ``layer-cairn``, ``layer-debug_files``, ``function-<name>`` and ``service-<name>`` are a
folder, a zip of it, and a stamp with the fingerprint of all that went in: what did not change is not built again. The
same input gives the same bytes. CDK is not imported here, since the local run does without it.

Usage: ``python -m infra.bundling [--target local|lambda]``.
"""

from __future__ import annotations

import argparse
import fcntl
import hashlib
import platform
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from infra.strip import strip_file

ROOT = Path(__file__).resolve().parent.parent

LAYERS = {"cairn": "layer-cairn.txt", "debug_files": "layer-debug-files.txt"}
"""Layer to its hashed list of wheels in ``requirements/``. Its own code, if any, is in ``layers/<layer>/python``."""

SERVICES = {"large_uploads": "service-large-uploads.txt"}
"""Service, which is a process in a container, to its list of wheels. Its code is in ``services/<service>``."""

LEFT_OUT = (
    "bin",
    "*.dist-info",
    "tests",
    "__pycache__",
    "*.pyi",
    "zstandard/_cffi.*",  # the binding for PyPy, 12 MB; CPython takes backend_c
    "zstandard/backend_cffi.py",
    "swagger-ui*",  # 1.7 MB of powertools' API explorer, which nothing here serves
)
"""What a bundle does without. Patterns match a path inside the bundle or one of its parts."""

Report = Callable[[str], None]


class BundlingError(Exception):
    """A bundle cannot be built; the message says what is missing and what to do."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where bundles run. ``name`` is the folder under ``build/``; ``uv_arguments`` make uv pick wheels for it."""

    name: str
    machine: str
    python: str
    uv_arguments: tuple[str, ...]

    @classmethod
    def deployed(cls) -> Target:
        """AWS Lambda on Graviton. Its Amazon Linux 2023 has glibc 2.34, so manylinux_2_28 wheels load."""
        arguments = ("--python-platform", "aarch64-manylinux_2_28", "--python-version", "3.13")
        return cls("lambda", "aarch64", "3.13", arguments)

    @classmethod
    def local(cls) -> Target:
        """This machine and the Python that runs now: the emulator executes functions with its own interpreter."""
        python = f"{sys.version_info.major}.{sys.version_info.minor}"
        return cls("local", platform.machine(), python, ("--python", sys.executable))


@dataclass(frozen=True, slots=True)
class Bundle:
    """One layer, function or service. ``place`` is where its files lie inside the zip, its own code in ``package``
    below; ``mount`` is where the zip is unpacked."""

    name: str
    sources: Path
    requirements: Path | None
    place: str
    mount: str
    package: str = "."


def bundles(root: Path = ROOT) -> list[Bundle]:
    """Everything there is to build: the layers, each ``functions/<name>/`` that has a ``handler.py``, the services."""
    layers = [
        Bundle(f"layer-{name}", root / "layers" / name / "python", root / "requirements" / wheels, "python", "/opt")
        for name, wheels in LAYERS.items()
    ]
    handlers = sorted((root / "functions").glob("*/handler.py"))
    functions = [Bundle(f"function-{h.parent.name}", h.parent, None, ".", "/var/task") for h in handlers]
    return layers + functions + [service(name, root) for name in SERVICES]


def service(name: str, root: Path) -> Bundle:
    """The bundle of a service. Modules import each other by the names that they have in the checkout."""
    code, wheels = Path("services", name), root / "requirements" / SERVICES[name]
    return Bundle(f"service-{name}", root / code, wheels, ".", "/tmp/cairn", str(code))  # noqa: S108 - in a container


def build(target: Target, root: Path = ROOT, report: Report = print) -> dict[str, Path]:
    """Bring all bundles of ``target`` up to date. Returns the path of each zip by the name of its bundle.

    A folder ``build/<target>/<name>`` beside the zip has the same files. Raises ``BundlingError``.
    """
    folder = root / "build" / target.name
    folder.mkdir(parents=True, exist_ok=True)
    with _locked(folder / "lock"):
        compiler = _compiler(target)
        wanted = bundles(root)
        for bundle in wanted:
            _bring_up_to_date(bundle, target, compiler, folder, report)
    if compiler is None:
        report(
            f"No bytecode: there is no Python {target.python} here. The functions work, and start about 0.4 s slower."
        )
        report(f"To have it: uv python install {target.python}")
    return {bundle.name: folder / f"{bundle.name}.zip" for bundle in wanted}


def _bring_up_to_date(bundle: Bundle, target: Target, compiler: str | None, folder: Path, report: Report) -> None:
    archive, stamp = folder / f"{bundle.name}.zip", folder / f"{bundle.name}.stamp"
    fingerprint = _fingerprint(bundle, target, compiler)
    if archive.exists() and stamp.exists() and stamp.read_text() == fingerprint:
        report(f"{bundle.name:<28} unchanged")
        return
    start = time.perf_counter()
    stamp.unlink(missing_ok=True)
    with tempfile.TemporaryDirectory(dir=folder) as staging:
        tree = Path(staging, bundle.name)
        _fill(bundle, target, tree)
        _compile(compiler, tree, bundle.mount)
        write_zip(tree, archive)
        shutil.rmtree(folder / bundle.name, ignore_errors=True)
        tree.rename(folder / bundle.name)
    stamp.write_text(fingerprint)
    unpacked = sum(path.stat().st_size for path in files(folder / bundle.name))
    sizes = f"{unpacked / 1e6:6.1f} MB, zip {archive.stat().st_size / 1e6:5.1f} MB"
    report(f"{bundle.name:<28} {sizes}, {time.perf_counter() - start:4.1f} s")


def _fingerprint(bundle: Bundle, target: Target, compiler: str | None) -> str:
    """A hash of all that decides what is inside the bundle, this recipe included."""
    recipe = [Path(__file__), Path(strip_file.__code__.co_filename)]
    inputs = recipe + ([bundle.requirements] if bundle.requirements else [])
    digest = hashlib.sha256(repr((bundle.name, target, compiler is not None)).encode())
    for path in inputs:
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    for path in (path for path in files(bundle.sources) if path.suffix != ".pyc"):
        digest.update(str(path.relative_to(bundle.sources)).encode())
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def files(folder: Path) -> list[Path]:
    """The files under ``folder``, in an order that does not depend on the file system."""
    return sorted(path for path in folder.rglob("*") if path.is_file())


def _fill(bundle: Bundle, target: Target, tree: Path) -> None:
    """Wheels and own code, without what is left out, libraries stripped."""
    place = tree / bundle.place
    place.mkdir(parents=True)
    if bundle.requirements:
        _install(bundle.requirements, target, place)
    if bundle.sources.is_dir():
        shutil.copytree(bundle.sources, place / bundle.package, dirs_exist_ok=True)
    for path in sorted(place.rglob("*")):
        if path.exists() and is_left_out(path.relative_to(place)):
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    for library in place.rglob("*.so*"):
        strip_file(library)


def is_left_out(path: Path) -> bool:
    """Whether a file or folder at this path inside a bundle is one that ``LEFT_OUT`` names."""
    return any(path.match(pattern) for pattern in LEFT_OUT)


def _install(requirements: Path, target: Target, place: Path) -> None:
    command = [_uv(), "pip", "install", "--quiet", "--target", str(place), *target.uv_arguments, "--no-deps"]
    command += ["--only-binary", ":all:", "--require-hashes", "--link-mode", "copy", "-r", str(requirements)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode:
        raise BundlingError(f"the wheels of {requirements.name} cannot be installed:\n{done.stderr.strip()}")


def _uv() -> str:
    beside_python = Path(sysconfig.get_path("scripts"), "uv")
    found = str(beside_python) if beside_python.exists() else shutil.which("uv")
    if found is None:
        raise BundlingError("uv is not installed; `make` puts it into .venv, or: pip install uv")
    return found


def _compiler(target: Target) -> str | None:
    """A Python of the target's minor version: byte code of another one would be ignored at run time."""
    if Target.local().python == target.python:
        return sys.executable
    command = [_uv(), "python", "find", "--no-project", "--no-python-downloads", target.python]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    return done.stdout.strip() if done.returncode == 0 else None


def _compile(compiler: str | None, tree: Path, mount: str) -> None:
    """Add byte code that is never checked against its source: files of a zip are dated 1980, /opt is read-only."""
    if compiler is None:
        return
    options = ["-q", "-j", "0", "--invalidation-mode", "unchecked-hash", "-s", str(tree), "-p", mount]
    done = subprocess.run(  # noqa: S603
        [compiler, "-I", "-m", "compileall", *options, str(tree)], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise BundlingError(f"{tree.name} does not compile:\n{done.stdout}{done.stderr}")


def write_zip(tree: Path, archive: Path) -> None:
    """Pack ``tree`` so that the same files give the same bytes: sorted, one date, one mode."""
    partial = archive.with_suffix(".partial")
    with zipfile.ZipFile(partial, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as packed:
        for path in files(tree):
            entry = zipfile.ZipInfo(path.relative_to(tree).as_posix())
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o100644 << 16
            packed.writestr(entry, path.read_bytes())
    partial.replace(archive)


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Let one process build at a time: `cairn local` and the tests share the folder."""
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def main() -> int:
    """The command line. Returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m infra.bundling", description="Build the layers and functions.")
    parser.add_argument("--target", choices=("local", "lambda"), default="lambda", help="default: %(default)s")
    target = Target.local() if parser.parse_args().target == "local" else Target.deployed()
    print(f"build/{target.name}: {target.machine}, Python {target.python}")
    try:
        build(target)
    except BundlingError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
