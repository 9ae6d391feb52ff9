"""Clients: lean, shared, and pointed where the environment says."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from cairn.store.aws import Clients, shared
from cairn.store.counters import Counters
from cairn.store.errors import UnavailableError
from cairn.store.settings import Settings
from tests.emulator import free_port


@pytest.fixture(autouse=True)
def region(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-north-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)


def test_a_client_is_made_once_however_many_threads_ask() -> None:
    clients = Clients()
    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(lambda _: id(clients.sqs), range(16)))) == 1
    assert shared() is shared()


def test_s3_signs_with_version_4_and_names_the_bucket_in_the_host() -> None:
    s3 = Clients().s3
    url = s3.generate_presigned_url("get_object", Params={"Bucket": "stones", "Key": "a"})
    assert url.startswith("https://stones.s3.eu-north-1.amazonaws.com/a?")
    assert "X-Amz-Algorithm=AWS4-HMAC-SHA256" in url


def test_an_endpoint_takes_all_services_and_buckets_by_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://localhost:4566")
    clients = Clients()
    for client in (clients.s3, clients.dynamodb, clients.sqs, clients.cloudformation):
        assert client.meta.endpoint_url == "http://localhost:4566"
    url = clients.s3.generate_presigned_url("get_object", Params={"Bucket": "stones", "Key": "a"})
    assert url.startswith("http://localhost:4566/stones/a?")


def test_impatient_clients_leave_a_function_time_to_answer() -> None:
    """A request counts twice at most: against its limits until the first call that fails, and its outcome."""
    config: Any = Clients("http://localhost:4566").impatient().dynamodb.meta.config
    longest = config.retries["total_max_attempts"] * (config.connect_timeout + config.read_timeout)
    assert 2 * longest < 29 - 10


def test_a_counter_that_cannot_be_reached_is_an_error_and_soon() -> None:
    settings = Settings("bucket", "projects", "symbols", "events")
    counters = Counters(settings, Clients(f"http://127.0.0.1:{free_port()}").impatient())
    with pytest.raises(UnavailableError):
        counters.add("key", 0)


def test_ingest_imports_no_more_than_it_needs() -> None:
    script = (
        "import sys; import cairn.store.crashes.uploads, cairn.store.projects, cairn.store.counters; "
        "import cairn.store.outcomes; "
        "print(sorted({'boto3', 's3transfer', 'zstandard', 'pydantic', 'symbolic'} & set(sys.modules)))"
    )
    found = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
