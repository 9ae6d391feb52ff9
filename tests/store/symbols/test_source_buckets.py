"""Buckets that are symbol servers: what comes, and why nothing does."""

from __future__ import annotations

from pathlib import Path

import boto3
import pytest
from botocore.exceptions import ConnectTimeoutError, EndpointConnectionError
from botocore.stub import Stubber

from cairn.store.symbols.source_buckets import SourceBuckets
from cairn.symbols.sources.records import FetchError, FetchStatus
from tests.store.conftest import Store


def refused(store: Store, tmp_path: Path, address: str = "s3://our-symbols/a") -> tuple[FetchStatus, str]:
    with pytest.raises(FetchError) as refusal:
        SourceBuckets(store.clients).download(address, tmp_path / "body", 1000, 10)
    return refusal.value.status, str(refusal.value)


def test_a_bucket_of_another_region_is_read(store: Store, tmp_path: Path) -> None:
    far = boto3.client("s3", endpoint_url=store.clients.s3.meta.endpoint_url, region_name="eu-west-1")
    far.create_bucket(Bucket="far-symbols", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    far.put_object(Bucket="far-symbols", Key="a/b", Body=b"there")
    assert store.clients.s3.meta.region_name != "eu-west-1"
    SourceBuckets(store.clients).download("s3://far-symbols/a/b", tmp_path / "body", 1000, 10)
    assert (tmp_path / "body").read_bytes() == b"there"
    assert refused(store, tmp_path, "s3://far-symbols/a/c") == (FetchStatus.MISSING, "there is no such object")


def test_a_bucket_that_is_not_there_is_named(store: Store, tmp_path: Path) -> None:
    assert refused(store, tmp_path, "s3://nobodys/x") == (FetchStatus.FAILED, "there is no bucket nobodys")


NOT_BY_ROLE = "User: arn:aws:sts::1:assumed-role/r/f is not authorized to perform: {} because no {} policy allows it"


@pytest.mark.parametrize(
    ("code", "message", "status", "says"),
    [
        ("AccessDenied", NOT_BY_ROLE.format("s3:GetObject", "identity-based"), FetchStatus.FORBIDDEN, ", and deploy"),
        ("AccessDenied", NOT_BY_ROLE.format("kms:Decrypt", "identity-based"), FetchStatus.FORBIDDEN, "a KMS key whose"),
        ("AccessDenied", "Access Denied", FetchStatus.FORBIDDEN, "let its policy allow s3:GetObject"),
        ("InvalidObjectState", "in Glacier", FetchStatus.FORBIDDEN, "an archive of S3"),
        ("IllegalLocationConstraintException", "opt-in", FetchStatus.FAILED, "in a region that is not reached"),
        ("SlowDown", "Reduce your rate", FetchStatus.FAILED, "answers SlowDown"),
    ],
    ids=["not named", "key", "not allowed", "archive", "region", "other"],
)
def test_what_a_bucket_answers_has_its_reason(
    store: Store, tmp_path: Path, code: str, message: str, status: FetchStatus, says: str
) -> None:
    with Stubber(store.clients.s3) as stubbed:
        for _ in range(5):
            stubbed.add_client_error("get_object", code, message, 403)
        said = refused(store, tmp_path)
    assert (said[0], says in said[1]) == (status, True), said[1]


@pytest.mark.parametrize(
    ("fault", "status"),
    [
        (ConnectTimeoutError(endpoint_url="https://s3"), FetchStatus.TIMED_OUT),
        (EndpointConnectionError(endpoint_url="https://s3"), FetchStatus.FAILED),
    ],
    ids=["slow", "no line"],
)
def test_a_bucket_that_is_not_reached_has_its_reason(
    store: Store, tmp_path: Path, fault: Exception, status: FetchStatus, monkeypatch: pytest.MonkeyPatch
) -> None:
    def get_object(**_: str) -> None:
        raise fault

    monkeypatch.setattr(store.clients.s3, "get_object", get_object)
    said = refused(store, tmp_path)
    assert (said[0], "our-symbols" in said[1]) == (status, True)
