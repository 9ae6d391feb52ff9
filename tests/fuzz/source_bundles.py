"""Source bundles by decision: zips whose directories, manifests and indexes say what they like."""

from __future__ import annotations

import io
import json
import struct
import zipfile

from tests.fuzz.decisions import Decisions
from tests.symbols.source_code.source_bundles import HEAD

PATHS = ["/src/a.cpp", "/src/b.h", r"C:\game\a.cpp", "/src/./x/../a.cpp", "", "a\0b", "/src/\ud800", "/" + "x" * 300]
METHODS = [zipfile.ZIP_DEFLATED, zipfile.ZIP_STORED, zipfile.ZIP_BZIP2]
FIELDS = [(8, "<H"), (10, "<H"), (16, "<I"), (20, "<I"), (24, "<I"), (36, "<H"), (42, "<I")]
"""Fields of a record of the directory, and how they are written: flags, packing, CRC, sizes, attributes, place. None
moves what follows."""

EVIL = [0, 1, 8, 0x7FFF, 0xFFFF, 1 << 24, 0x7FFF_FFFF, 0xFFFF_FFFF]
LINES = [b"int x;\n", b"\r\n", b"\r", b"\f", b"\xff\xfe", "ü".encode(), b"\0", b"x" * 400]
SOUND = "/src/sound.cpp"
"""The path of a file about which no bundle lies."""

KEYS = ["files", "type", "path", "source", "debug_id"]


def fuzzed_bundle(decide: Decisions) -> bytes:
    """A bundle. The file ``SOUND`` is in it and is as it says, if the manifest is what it should be."""
    files = dict(decide.some(5, lambda: (decide.choice(PATHS), _content(decide)))) | {SOUND: b"sound\n"}
    packed = io.BytesIO(HEAD)
    packed.seek(len(HEAD))
    with zipfile.ZipFile(packed, "w") as archive:
        for number, content in enumerate(files.values()):
            method = decide.choice(METHODS) if number < len(files) - 1 else zipfile.ZIP_DEFLATED
            archive.writestr(f"files/{number}", content, method)
        archive.writestr("manifest.json", _manifest(decide, files))
    data = bytearray(packed.getvalue())
    for number in range(len(files) - 1):
        lie(decide, data, data.rindex(b"PK\1\2", 0, data.rindex(f"files/{number}".encode())))
    return bytes(data)


def spoilt(decide: Decisions, data: bytes) -> bytes:
    """The same bytes, some of them changed."""
    made = bytearray(data)
    for _ in range(decide.below(4)):
        made[decide.number(2) % len(made)] = decide.number()
    return bytes(made)


def _content(decide: Decisions) -> bytes:
    return b"".join(decide.some(8, lambda: decide.choice(LINES))) * decide.choice([1, 1, 1, 50, 2000])


def _manifest(decide: Decisions, files: dict[str, bytes]) -> str:
    listed = {f"files/{n}": {"type": "source", "path": path} for n, path in enumerate(files)}
    if decide.below(8) == 7:
        return json.dumps({"files": decide.json(KEYS), **dict(decide.some(3, lambda: (decide.key(KEYS), 1)))})
    if decide.flag():
        listed["files/none"] = {"type": "source", "path": decide.text()}
    return json.dumps({"files": listed})


def lie(decide: Decisions, data: bytearray, record: int) -> None:
    """Let the record of a directory say something else."""
    for _ in range(decide.below(3)):
        at, form = decide.choice(FIELDS)
        value = decide.choice(EVIL) if decide.flag() else decide.number(4)
        struct.pack_into(form, data, record + at, value & ((1 << 8 * struct.calcsize(form)) - 1))
