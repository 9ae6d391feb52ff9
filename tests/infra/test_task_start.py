"""What a container starts with, against the emulator: bundles come from S3, and the service is what runs."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from cairn.store.aws import Clients
from infra.bundling import ROOT
from tests.emulator import start_emulator

START = (ROOT / "infra/task_start.py").read_text()
SERVICE = """
import os, sys, library
print(library.ANSWER, os.getpid(), sys.flags.safe_path, os.environ["KEPT"], flush=True)
"""


def packed(**files: str) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name, text in files.items():
            archive.writestr(name.replace("__", "/") + ".py", text)
    return content.getvalue()


def test_the_bundles_are_fetched_and_the_process_becomes_the_service(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with start_emulator() as emulator:
        for name, value in emulator.environment.items():
            monkeypatch.setenv(name, value)
        s3 = Clients(emulator.endpoint).s3
        s3.create_bucket(Bucket="bundles")
        s3.put_object(Bucket="bundles", Key="a/layer.zip", Body=packed(python__library="ANSWER = 42"))
        s3.put_object(Bucket="bundles", Key="b/service.zip", Body=packed(services__it=SERVICE))
        environment = {
            **emulator.environment,
            "CAIRN_BUNDLES": "s3://bundles/a/layer.zip s3://bundles/b/service.zip",
            "CAIRN_SERVICE": "services.it",
            "KEPT": "kept",
            "TMPDIR": str(tmp_path),
            "PATH": os.environ["PATH"],
        }
        process = subprocess.Popen(
            [sys.executable, "-P", "-c", START], env=environment, stdout=subprocess.PIPE, text=True
        )
        said, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    assert said.split() == ["42", str(process.pid), "True", "kept"]
