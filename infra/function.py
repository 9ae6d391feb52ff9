"""What runs code of Cairn: its log, its role, and a Lambda function of ``functions/`` that has both."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from aws_cdk import Duration, RemovalPolicy, Size, Stack
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from cairn.store.crashes.uploads import PREFIX as CRASHES
from infra.nag import accept, shown_arn
from infra.settings import DeploymentSettings
from infra.storage import Storage


class Code(Construct):
    """The layers, and where the bundles lie."""

    def __init__(self, scope: Construct, name: str, bundles: Path) -> None:
        super().__init__(scope, name)
        self.bundles = bundles
        self.cairn = self._layer("cairn", "The library")
        self.debug_files = self._layer("debug_files", "The native readers of debug files")

    def function(self, name: str) -> lambda_.Code:
        """The code of ``functions/<name>``."""
        return lambda_.Code.from_asset(str(self.bundles / f"function-{name}.zip"), display_name=f"function-{name}")

    def _layer(self, name: str, description: str) -> lambda_.LayerVersion:
        path = str(self.bundles / f"layer-{name}.zip")
        return lambda_.LayerVersion(
            self,
            name.title().replace("_", ""),
            code=lambda_.Code.from_asset(path, display_name=f"layer-{name}"),
            description=description,
            compatible_runtimes=[lambda_.Runtime.PYTHON_3_13],
            compatible_architectures=[lambda_.Architecture.ARM_64],
        )


class Worker(Construct):
    """Something with a log and a role that starts with nothing. ``may_…`` widen it, one place at a time."""

    def __init__(
        self, scope: Construct, name: str, storage: Storage, settings: DeploymentSettings, runs_on: str
    ) -> None:
        super().__init__(scope, name)
        self._storage = storage
        self.log_group = make_log_group(self, "Log", settings)
        self.role = iam.Role(self, "Role", assumed_by=iam.ServicePrincipal(runs_on))

    def may_use_table(self, table: dynamodb.Table, *actions: str, keys: Sequence[str] = ()) -> None:
        """Let it do ``actions`` (DynamoDB's names) on the table's items; with ``keys``, on those only whose partition
        key starts with one of them."""
        within = {"ForAllValues:StringLike": {"dynamodb:LeadingKeys": [f"{key}*" for key in keys]}} if keys else None
        self._allow([f"dynamodb:{action}" for action in actions], [table.table_arn], within)

    def may_use_objects(self, prefix: str, *actions: str) -> None:
        """Let it do ``actions`` (S3's names) on the bucket's objects under ``prefix``."""
        bucket = self._storage.bucket
        self._allow([f"s3:{action}" for action in actions], [bucket.arn_for_objects(f"{prefix}*")])
        arn = shown_arn(bucket, Stack.of(self))
        accept(self.role, f"AwsSolutions::AwsSolutions-IAM5[Resource::{arn}/{prefix}*]", "Keys come with the crashes")

    def may_use_crash_files(self, name: str, *actions: str) -> None:
        """Let it do ``actions`` (S3's names) on the file of each crash that has this name, and on no other."""
        self._allow(
            [f"s3:{action}" for action in actions], [self._storage.bucket.arn_for_objects(f"{CRASHES}*/{name}")]
        )
        arn = shown_arn(self._storage.bucket, Stack.of(self))
        said = f"AwsSolutions::AwsSolutions-IAM5[Resource::{arn}/{CRASHES}*/{name}]"
        accept(self.role, said, "Keys come with the crashes")

    def may_query_index(self, table: dynamodb.Table, index: str) -> None:
        """Let it query an index of the table."""
        self._allow(["dynamodb:Query"], [f"{table.table_arn}/index/{index}"])

    def may_send(self, queue: sqs.Queue) -> None:
        """Let it put messages on the queue.

        AWS has one action for one message and for ten; MiniStack asks for the second by its own name.
        """
        self._allow(["sqs:SendMessage", "sqs:SendMessageBatch"], [queue.queue_arn])

    def may_see_what_is_missing(self) -> None:
        """Let S3 answer 404 for an object that is not there; without ``ListBucket`` it says 403."""
        self._allow(["s3:ListBucket"], [self._storage.bucket.bucket_arn])

    def may_list_objects(self, prefix: str) -> None:
        """Let it list the bucket's objects under ``prefix``, and no others."""
        within = {"StringLike": {"s3:prefix": f"{prefix}*"}}
        self._allow(["s3:ListBucket"], [self._storage.bucket.bucket_arn], within)

    def may_read_bucket(self, name: str) -> None:
        """Let it read a bucket that is not Cairn's own. In another account the bucket's policy must say so too."""
        bucket = s3.Bucket.from_bucket_name(self, f"Bucket-{name}", name)
        self._allow(["s3:GetObject"], [bucket.arn_for_objects("*")])
        self._allow(["s3:ListBucket"], [bucket.bucket_arn])
        said = f"AwsSolutions::AwsSolutions-IAM5[Resource::arn:<AWS::Partition>:s3:::{name}/*]"
        accept(self.role, said, "The whole bucket is a symbol server")

    def _allow(
        self, actions: Sequence[str], resources: Sequence[str], conditions: Mapping[str, Any] | None = None
    ) -> None:
        self.role.add_to_policy(iam.PolicyStatement(actions=actions, resources=resources, conditions=conditions))


class Function(Worker):
    """``functions/<folder>`` as a Lambda function."""

    def __init__(  # noqa: PLR0913 - what functions differ in
        self,
        scope: Construct,
        name: str,
        code: Code,
        storage: Storage,
        settings: DeploymentSettings,
        *,
        folder: str,
        description: str,
        memory_mb: int,
        timeout: Duration,
        layers: Sequence[lambda_.ILayerVersion],
        scratch: Size | None = None,
    ) -> None:
        super().__init__(scope, name, storage, settings, "lambda.amazonaws.com")
        self.log_group.grant_write(self.role)
        self.function = lambda_.Function(
            self,
            "Function",
            description=description,
            code=code.function(folder),
            handler="cairn.cold_start.handler",
            runtime=lambda_.Runtime.PYTHON_3_13,
            architecture=lambda_.Architecture.ARM_64,
            layers=layers,
            memory_size=memory_mb,
            timeout=timeout,
            ephemeral_storage_size=scratch,
            role=self.role,
            log_group=self.log_group,
            environment=storage.environment
            | {
                "POWERTOOLS_SERVICE_NAME": folder,
                "POWERTOOLS_METRICS_NAMESPACE": "Cairn",
                "POWERTOOLS_LOG_LEVEL": "INFO",
            },
        )


def make_log_group(scope: Construct, name: str, settings: DeploymentSettings) -> logs.LogGroup:
    """A log group that is deleted with the stack and forgets after the time that the settings give."""
    group = logs.LogGroup(scope, name, removal_policy=RemovalPolicy.DESTROY)
    resource = group.node.default_child
    assert isinstance(resource, logs.CfnLogGroup)  # noqa: S101
    resource.retention_in_days = settings.keep_logs_days
    return group
