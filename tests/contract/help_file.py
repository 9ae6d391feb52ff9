"""A file that Microsoft's packer of LZX made: the help of pywin32, in its wheel for Windows. It is fetched once into
``build/lzx``, checked by its hash, and never installed.

A help file keeps its pages together as one LZX stream, in frames as cabinets have them, that starts anew every few
frames (the layout is described by Matthew Russotto, "Microsoft's HTML Help (.chm) format").
"""

from __future__ import annotations

import fcntl
import hashlib
import struct
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).parents[2] / "build/lzx"
WHEEL = "pywin32-312-cp311-cp311-win_amd64.whl"
WHEEL_SHA256 = "d11417d84412f859b722fad0841b3614459ed0047f7542d8362e77884f6b6e8a"
STREAM = "::DataSpace/Storage/MSCompressed/"
RESET_TABLE = STREAM + "Transform/{7FC28940-9D31-11D0-9B27-00A0C91E9C7C}/InstanceData/ResetTable"


@dataclass(frozen=True)
class Frame:
    """A packed frame, whether the stream starts anew with it, and how many bytes it unpacks to."""

    data: bytes
    is_first: bool
    size: int


def help_file() -> bytes:
    """The help file, fetched when it is not there yet."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    wheel = FOLDER / WHEEL
    with (FOLDER / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not wheel.exists():
            command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
            kind = ["--only-binary", ":all:", "--platform", "win_amd64", "--python-version", "3.11", "pywin32==312"]
            subprocess.run([*command, "--dest", str(FOLDER), *kind], check=True)
    content = wheel.read_bytes()
    assert hashlib.sha256(content).hexdigest() == WHEEL_SHA256
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith("PyWin32.chm"))
        return archive.read(name)


class HelpFile:
    """A help file, taken apart as far as its stream. It is trusted: its hash is known."""

    def __init__(self, content: bytes) -> None:
        self._content = content
        (self._start,) = struct.unpack_from("<Q", content, 0x58)
        self.entries = dict(self._entries())
        interval, window = struct.unpack_from("<II", self._plain(STREAM + "ControlData"), 12)
        self.window_bits = (window * 0x8000).bit_length() - 1
        self._interval = interval

    def frames(self) -> list[Frame]:
        """The frames of the stream in their order."""
        table, packed = self._plain(RESET_TABLE), self._plain(STREAM + "Content")
        _, count, _, head, size, _, length = struct.unpack_from("<IIIIQQQ", table)
        places = [*struct.unpack_from(f"<{count}Q", table, head), len(packed)]
        return [
            Frame(packed[place : places[n + 1]], n % self._interval == 0, min(length, size - n * length))
            for n, place in enumerate(places[:-1])
        ]

    def _plain(self, name: str) -> bytes:
        section, place, size = self.entries[name]
        assert section == 0
        return self._content[self._start + place : self._start + place + size]

    def _entries(self) -> list[tuple[str, tuple[int, int, int]]]:
        """Names, and where they are: 1 is the stream, with the place in what it unpacks to."""
        found = []
        (directory,) = struct.unpack_from("<Q", self._content, 0x48)
        head, _, size = struct.unpack_from("<III", self._content, directory + 8)
        (count,) = struct.unpack_from("<I", self._content, directory + 0x2C)
        for chunk in range(directory + head, directory + head + count * size, size):
            if self._content[chunk : chunk + 4] != b"PMGL":
                continue
            (free,) = struct.unpack_from("<I", self._content, chunk + 4)
            at = chunk + 0x14
            while at < chunk + size - free:
                length, at = self._number(at)
                name, at = self._content[at : at + length].decode(), at + length
                section, at = self._number(at)
                place, at = self._number(at)
                length, at = self._number(at)
                found.append((name, (section, place, length)))
        return found

    def _number(self, at: int) -> tuple[int, int]:
        value = 0
        while True:
            byte = self._content[at]
            value, at = value << 7 | byte & 0x7F, at + 1
            if byte < 0x80:
                return value, at
