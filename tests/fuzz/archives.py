"""Zip archives by decision: debug files and others under names that lead anywhere, in directories that lie."""

from __future__ import annotations

import io
import warnings
import zipfile

from cairn.symbols.arriving.archive import ArchiveLimits
from tests.fuzz.decisions import Decisions
from tests.fuzz.source_bundles import METHODS, lie

LIMITS = ArchiveLimits(files=12, debug_files=4, size=3000, total=6000, ratio=5)
SMALL = 500
"""Bytes up to which a file may be packed as tightly as it likes, here."""

NAMES = ["a.sym", "../../a", "/etc/passwd", r"C:\a\b.pdb", "a/", "..", "", "a.zip", "x" * 300, "\x1b[2J", "ü/é", "a\0b"]
HEADS = [
    b"MODULE Linux x86_64 ",
    b"\x7fELF\2\1\1",
    b"MZ",
    b"Microsoft C/C++ ",
    b"SYSB\2\0\0\0",
    b"PK\3\4",
    b"",
    b"text",
]
SOUND = "build/sound.sym"
"""The name of a file about which no archive lies, the first of it."""

SOUND_CONTENT = b"MODULE Linux x86_64 4D9D8F6C1DF4EF9C2E9D7D3C2D6E5B3A0 sound\nPUBLIC 10 0 f\n"


def fuzzed_archive(decide: Decisions) -> bytes:
    """An archive. ``SOUND`` is in it, and is as the directory says."""
    packed = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        warnings.filterwarnings("ignore", "Duplicate name")
        archive.writestr(SOUND, SOUND_CONTENT)
        for number, name in enumerate(decide.some(14, lambda: decide.choice(NAMES))):
            method = decide.choice(METHODS)
            archive.writestr(zipfile.ZipInfo(f"{number}{name}" if decide.flag() else name), _content(decide), method)
        count = len(archive.infolist())
    data = bytearray(packed.getvalue())
    at = data.index(b"PK\1\2")
    for _ in range(count - 1):
        at = data.index(b"PK\1\2", at + 1)
        lie(decide, data, at)
    return bytes(data)


def _content(decide: Decisions) -> bytes:
    return decide.choice(HEADS) + decide.take(decide.below(30)) * decide.choice([1, 1, 3, 200])
