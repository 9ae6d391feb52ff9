"""The whole event of the demo's crash, as a snapshot: any change to it is to be seen and meant."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from syrupy.assertion import SnapshotAssertion
from syrupy.extensions.json import JSONSnapshotExtension

from cairn.crash.build_event import Received, build_event
from cairn.crash.process import process
from tests.crash.symbol_files import SAMPLE, Files, compiled

ARRIVED = 1_800_000_000.0


def sample_event(folder: Path) -> Any:
    data = (SAMPLE / "lighthouse.dmp").read_bytes()
    crash = process(data, Files(*compiled(folder, SAMPLE / "lighthouse")))
    written = float(crash.dump.timestamp)
    upload = Received("0" * 32, 1, written + 1, {"release": "lighthouse@1.4.2"}, symbolicated=ARRIVED)
    return json.loads(build_event(crash, upload).to_json())


def test_the_sample_event(tmp_path: Path, snapshot: SnapshotAssertion) -> None:
    assert sample_event(tmp_path) == snapshot(extension_class=JSONSnapshotExtension)
