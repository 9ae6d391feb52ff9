"""AWS clients: low-level ones of botocore, made at the latest when asked for, and kept for the life of the process."""

from __future__ import annotations

import os
import threading
from functools import cache
from typing import TYPE_CHECKING, Any, Literal

import botocore.session
from botocore.config import Config

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sqs import SQSClient

CONNECTIONS = 16
"""Connections a client keeps open: above what the thread pools of this room use at once."""

PATIENT = Config(
    connect_timeout=3,
    read_timeout=20,
    max_pool_connections=CONNECTIONS,
    retries={"mode": "standard", "total_max_attempts": 5},
)
IMPATIENT = Config(connect_timeout=1, read_timeout=3, retries={"mode": "standard", "total_max_attempts": 2})
"""For what a client waits for and could do without: a call fails after some seconds, long before the function ends."""


class Clients:
    """S3, DynamoDB, SQS and CloudFormation.

    ``endpoint_url`` (or ``AWS_ENDPOINT_URL``) points them all at another endpoint, as the local run does. Region and
    credentials come from botocore's usual places, or from ``session``. Threads may share one ``Clients``.
    """

    def __init__(
        self,
        endpoint_url: str | None = None,
        session: botocore.session.Session | None = None,
        config: Config = PATIENT,
    ) -> None:
        self._endpoint_url = endpoint_url or os.environ.get("AWS_ENDPOINT_URL") or None
        self._session = session or botocore.session.get_session()
        self._common = config
        self._made: dict[str, Any] = {}
        self._lock = threading.Lock()

    def impatient(self) -> Clients:
        """Clients for the same place that give up soon."""
        return Clients(self._endpoint_url, self._session, IMPATIENT)

    def make(self) -> None:
        """Make the clients of S3 and DynamoDB now, which takes a tenth of a second."""
        for service in ("s3", "dynamodb"):
            self._client(service)

    @property
    def s3(self) -> S3Client:
        """S3 with signature version 4; buckets by host, and by path at an endpoint that is not AWS."""
        client: S3Client = self._client("s3")
        return client

    @property
    def dynamodb(self) -> DynamoDBClient:
        """DynamoDB."""
        client: DynamoDBClient = self._client("dynamodb")
        return client

    @property
    def sqs(self) -> SQSClient:
        """SQS."""
        client: SQSClient = self._client("sqs")
        return client

    @property
    def cloudformation(self) -> CloudFormationClient:
        """CloudFormation, for the outputs of a stack."""
        client: CloudFormationClient = self._client("cloudformation")
        return client

    def _client(self, service: str) -> Any:
        with self._lock:
            if service not in self._made:
                self._made[service] = self._session.create_client(
                    service, endpoint_url=self._endpoint_url, config=self._config(service)
                )
            return self._made[service]

    def _config(self, service: str) -> Config:
        if service != "s3":
            return self._common
        style: Literal["path", "virtual"] = "path" if self._endpoint_url else "virtual"
        return self._common.merge(Config(signature_version="s3v4", s3={"addressing_style": style}))


@cache
def shared() -> Clients:
    """The clients of this process."""
    return Clients()
