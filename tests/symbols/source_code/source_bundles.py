"""Source bundles made in code, good and hostile."""

from __future__ import annotations

import io
import json
import random
import tempfile
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from cairn.symbols.ranges.blob import BytesBlob
from cairn.symbols.source_code.bundle_members import bundle_members
from cairn.symbols.source_code.source_bundle import SourceBundle
from cairn.symbols.source_code.source_index import write_index
from tests.crash.symbol_files import SAMPLE

HEAD = b"SYSB\2\0\0\0"
SAMPLE_ID = "b72467fd-1af4-52ed-a50d-2a5285771077"


class CountingBlob(BytesBlob):
    """A blob that tells what was asked of it."""

    def __init__(self, data: bytes) -> None:
        super().__init__(data)
        self.calls: list[list[tuple[int, int]]] = []

    def read(self, ranges: Sequence[tuple[int, int]]) -> list[bytes]:
        self.calls.append(list(ranges))
        return super().read(ranges)


def bundle(
    files: Mapping[str, bytes], method: int = zipfile.ZIP_DEFLATED, manifest: Any = None, filler: int = 0
) -> bytes:
    """A bundle of ``files`` by the compiler's path; ``filler`` bytes that do not pack lie between any two."""
    noise = random.Random(7)
    packed = io.BytesIO(HEAD)
    packed.seek(len(HEAD))
    with zipfile.ZipFile(packed, "w", method) as archive:
        for path, content in files.items():
            archive.writestr(f"files{path}", content)
            if filler:
                archive.writestr(f"noise{path}", noise.randbytes(filler), zipfile.ZIP_STORED)
        members = {f"files{path}": {"type": "source", "path": path} for path in files}
        debug_id = "01234567-89ab-cdef-0123-456789abcdef"
        text = {"files": members, "debug_id": debug_id, "arch": "x86_64"} if manifest is None else manifest
        archive.writestr("manifest.json", text if isinstance(text, str) else json.dumps(text))
    return packed.getvalue()


def sample_bundle(debug_id: str = SAMPLE_ID, content: bytes | None = None) -> bytes:
    """A bundle of the sample's one source file, or of other ``content`` in its place."""
    path, source = "/src/lighthouse/lighthouse.cpp", content or (SAMPLE / "lighthouse.cpp").read_bytes()
    manifest = {"files": {f"files{path}": {"type": "source", "path": path}}, "debug_id": debug_id, "arch": "x86_64"}
    return bundle({path: source}, manifest=manifest)


def index_of(data: bytes) -> bytes:
    """The index of a bundle. Raises ``DebugFileError`` as compiling does."""
    with tempfile.TemporaryDirectory() as folder:
        path, target = Path(folder, "bundle"), Path(folder, "index")
        path.write_bytes(data)
        write_index(target, len(data), bundle_members(path))
        return target.read_bytes()


def opened(data: bytes) -> SourceBundle:
    """A bundle that was compiled."""
    return SourceBundle(BytesBlob(index_of(data)), BytesBlob(data))
