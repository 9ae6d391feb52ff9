"""What the ingest function needs for the largest request that can come: 4 MB on the wire, 100 MB of form."""

from __future__ import annotations

import gzip
import io
import random
import sys

import pytest

from cairn.intake.limits import MIB
from tests.e2e.conftest import Running
from tests.e2e.test_bad_input import FORM, form, post
from tests.local.function_processes import peak_memory, processes_of

DUMP = 98 * MIB
WIRE = (3.5 * MIB, 4.4 * MIB)
ALLOWED = 256
"""MiB."""


def packed_dump() -> bytes:
    """A dump of which a part cannot be compressed."""
    noise = random.Random(1).randbytes(4 * MIB)
    content = form(b"MDMP" + noise + bytes(DUMP - len(noise) - 4))
    packed = io.BytesIO()
    with gzip.GzipFile(fileobj=packed, mode="wb", compresslevel=6, mtime=0) as stream:
        stream.write(content)
    return packed.getvalue()


@pytest.mark.skipif(sys.platform != "linux", reason="the peak is read from /proc")
def test_100_mb_of_form_from_4_mb_on_the_wire(running: Running) -> None:
    body = packed_dump()
    assert WIRE[0] < len(body) < WIRE[1]
    status, event_id = post(running.minidump_url, body, FORM | {"Content-Encoding": "gzip"})
    assert status == 200, event_id
    peaks = [peak_memory(pid) for pid in processes_of(running.cairn, "Ingest")]
    print(f"peak of the ingest function: {max(peaks)} MiB for {len(body) / MIB:.1f} MiB on the wire")
    assert 0 < max(peaks) < ALLOWED
    assert running.event(event_id).cairn.problems or running.event(event_id).errors
