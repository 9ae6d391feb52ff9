"""Running the walkers: each dump in a process of its own, its time and memory measured."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from tests.parity.walks import Walk, from_breakpad, from_json

ROOT = Path(__file__).parents[2]
TIMEOUT = 60
"""Seconds after which a walk counts as hung."""
_MODULE = re.compile(r"MODULE \S+ \S+ ([0-9A-Fa-f]+) (.+)")


@dataclass(frozen=True)
class Ran:
    """A finished walk. ``seconds`` of CPU time, ``megabytes`` at the peak; ``code`` is below zero if it was killed."""

    code: int
    out: str
    err: str
    seconds: float
    megabytes: float


class Cairn:
    """Runs ``cairn stackwalk`` in processes of their own, one after the other. Use it in a ``with``, in one thread."""

    def __enter__(self) -> Cairn:
        command = [sys.executable, "-m", "tests.parity.fork_server", str(TIMEOUT)]
        self._server = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        return self

    def __exit__(self, *_: object) -> None:
        self._server.communicate()

    def walk(self, dump: Path, symbols: Symbols) -> Ran:
        """The walk of a dump. What it spends on compiling a symbol file for the first time is not part of it: where a
        limit might be passed for that, the dump is walked again."""
        arguments = ["stackwalk", str(dump.resolve()), "--json", "--cache", str(symbols.cache.resolve())]
        arguments += [word for file in symbols.files for word in ("--symbols", str(file.resolve()))]
        first = self.run(arguments)
        return first if first.seconds < 1 and first.megabytes < 150 else self.run(arguments)

    def run(self, arguments: list[str]) -> Ran:
        """Any command of ``cairn``."""
        assert self._server.stdin is not None
        assert self._server.stdout is not None
        with tempfile.TemporaryDirectory() as scratch:
            out, err = Path(scratch, "out"), Path(scratch, "err")
            print(
                json.dumps({"arguments": arguments, "out": str(out), "err": str(err)}),
                file=self._server.stdin,
                flush=True,
            )
            code, seconds, kilobytes = self._server.stdout.readline().split()
            said, complained = (file.read_text(errors="replace") for file in (out, err))
        return Ran(int(code), said, complained, float(seconds), int(kilobytes) / 1024)


@dataclass(frozen=True)
class Symbols:
    """Breakpad ``.sym`` files: what Cairn is given, and the same as the tree of links that the peers want.

    With ``cache`` Cairn keeps what it compiled, as it does for its users.
    """

    files: tuple[Path, ...]
    tree: Path
    cache: Path

    @classmethod
    def of(cls, files: list[Path], scratch: Path) -> Symbols:
        """Lay out the tree ``<debug file>/<debug id>/<name>.sym`` in ``scratch``."""
        tree = scratch / "symbols"
        tree.mkdir(parents=True, exist_ok=True)
        for file in files:
            with file.open(errors="replace") as lines:
                module = _MODULE.match(lines.readline())
            if module is not None and "/" not in module[2]:
                name = module[2].strip()
                folder = tree / name / module[1]
                folder.mkdir(parents=True, exist_ok=True)
                link = folder / f"{name.removesuffix('.pdb')}.sym"
                link.unlink(missing_ok=True)
                link.symlink_to(file.resolve())
        return cls(tuple(files), tree, scratch / "cache")


def rust_minidump(dump: Path, symbols: Symbols, programs: Path) -> Walk | None:
    """rust-minidump's walk."""
    command = [str(programs / "minidump-stackwalk"), "--json", "--symbols-path", str(symbols.tree), str(dump)]
    return from_json(_output(command))


def breakpad(dump: Path, symbols: Symbols, programs: Path, writer: int | None) -> Walk | None:
    """Breakpad's walk."""
    command = [str(programs / "minidump_stackwalk"), str(dump), str(symbols.tree)]
    return from_breakpad(_output(command), writer)


def _output(command: list[str]) -> str:
    done = subprocess.run(
        command, check=False, stdin=subprocess.DEVNULL, capture_output=True, errors="replace", timeout=TIMEOUT
    )
    return done.stdout
