"""Where all is kept: one bucket and three tables, and the word from the bucket that something arrived."""

from __future__ import annotations

from typing import Any

from aws_cdk import Duration, RemovalPolicy, Stack
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from cairn.store.crashes.events import ISSUE_INDEX, LISTED, PROJECT_INDEX
from cairn.store.projects import OWNER_INDEX
from cairn.store.settings import (
    DUMP_RETENTION_VARIABLE,
    RETENTION_VARIABLE,
    SYMBOL_RETENTION_VARIABLE,
    VARIABLES,
)
from infra.settings import DeploymentSettings

CHUNK_DAYS = 1
"""Days that chunks of debug files are kept: until the files are put together."""

UPLOAD_DAYS = 1
"""Days that an upload in steps may take; S3 aborts its unfinished parts as soon."""

HOT_DAYS = 90
"""Days that a hot set of a symbol file is kept; crashes make another."""


class Storage(Construct):
    """The bucket and the three tables. The bucket has ``chunks/``, ``crashes/``, ``uploads/``, ``events/``,
    ``debug-files/``, ``symbols/`` and ``hot/``."""

    def __init__(self, scope: Construct, name: str, settings: DeploymentSettings) -> None:
        super().__init__(scope, name)
        self._settings = settings
        self._removal = RemovalPolicy.DESTROY if settings.throw_away else RemovalPolicy.RETAIN
        self._notifications: list[s3.CfnBucket.QueueConfigurationProperty] = []
        self.bucket = self._make_bucket()
        self.projects = self._make_table("Projects")
        self.symbols = self._make_table("Symbols")
        self.events = self._make_table("Events")
        self.projects.add_global_secondary_index(
            index_name=OWNER_INDEX, partition_key=_text("owner"), sort_key=_text("pk")
        )
        for index, listing in {PROJECT_INDEX: "listing", ISSUE_INDEX: "issue_listing"}.items():
            self.events.add_global_secondary_index(
                index_name=index,
                partition_key=_text(listing),
                sort_key=_text("listed_at"),
                projection_type=dynamodb.ProjectionType.INCLUDE,
                non_key_attributes=list(LISTED),
            )

    @property
    def environment(self) -> dict[str, str]:
        """The variables that ``cairn.store.settings`` reads."""
        return {
            VARIABLES["bucket"]: self.bucket.bucket_name,
            VARIABLES["projects_table"]: self.projects.table_name,
            VARIABLES["symbols_table"]: self.symbols.table_name,
            VARIABLES["events_table"]: self.events.table_name,
            RETENTION_VARIABLE: str(self._settings.keep_events_days),
            DUMP_RETENTION_VARIABLE: str(self._settings.keep_crashes_days),
            SYMBOL_RETENTION_VARIABLE: str(self._settings.keep_symbols_days),
        }

    def tell(self, queue: sqs.Queue, prefix: str, suffix: str = "") -> None:
        """Send a message to ``queue`` for each new object ``<prefix>…<suffix>``.

        The bucket's own property does it. CDK's ``add_event_notification`` would bring a function of its own to do
        the same. The policy names the account and not the bucket, since bucket and policy would wait for each other.
        """
        stack = Stack.of(self)
        queue.add_to_resource_policy(
            iam.PolicyStatement(
                principals=[iam.ServicePrincipal("s3.amazonaws.com")],
                actions=["sqs:SendMessage"],
                resources=[queue.queue_arn],
                conditions={"StringEquals": {"aws:SourceAccount": stack.account}},
            )
        )
        rules = [{"name": "prefix", "value": prefix}] + ([{"name": "suffix", "value": suffix}] if suffix else [])
        self._notifications.append(_queue_configuration(queue.queue_arn, rules))
        bucket = _resource(self.bucket, s3.CfnBucket)
        bucket.notification_configuration = s3.CfnBucket.NotificationConfigurationProperty(
            queue_configurations=self._notifications
        )
        bucket.add_resource_dependency(_resource(queue.node.find_child("Policy"), sqs.CfnQueuePolicy))

    def _make_bucket(self) -> s3.Bucket:
        return s3.Bucket(
            self,
            "Bucket",
            encryption=s3.BucketEncryption.S3_MANAGED,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
            enforce_ssl=True,
            versioned=False,
            removal_policy=self._removal,
            lifecycle_rules=[
                _forget("crashes", self._settings.keep_crashes_days),
                _forget("events", self._settings.keep_events_days),
                _forget("chunks", CHUNK_DAYS),
                _forget("uploads", UPLOAD_DAYS),
                _forget("hot", HOT_DAYS),
                s3.LifecycleRule(id="broken-off", abort_incomplete_multipart_upload_after=Duration.days(UPLOAD_DAYS)),
            ],
        )

    def _make_table(self, name: str) -> dynamodb.Table:
        return dynamodb.Table(
            self,
            name,
            partition_key=_text("pk"),
            sort_key=_text("sk"),
            billing_mode=dynamodb.BillingMode.PAY_PER_REQUEST,
            time_to_live_attribute="expires",
            point_in_time_recovery_specification=dynamodb.PointInTimeRecoverySpecification(
                point_in_time_recovery_enabled=True
            ),
            removal_policy=self._removal,
        )


def _forget(prefix: str, days: int) -> s3.LifecycleRule:
    return s3.LifecycleRule(id=prefix, prefix=f"{prefix}/", expiration=Duration.days(days))


def _text(name: str) -> dynamodb.Attribute:
    return dynamodb.Attribute(name=name, type=dynamodb.AttributeType.STRING)


def _queue_configuration(queue_arn: str, rules: list[dict[str, str]]) -> s3.CfnBucket.QueueConfigurationProperty:
    filters = s3.CfnBucket.NotificationFilterProperty(
        s3_key=s3.CfnBucket.S3KeyFilterProperty(rules=[s3.CfnBucket.FilterRuleProperty(**rule) for rule in rules])
    )
    return s3.CfnBucket.QueueConfigurationProperty(event="s3:ObjectCreated:*", queue=queue_arn, filter=filters)


def _resource(construct: Any, kind: type[Any]) -> Any:
    """The CloudFormation resource inside a construct."""
    resource = construct.node.default_child
    assert isinstance(resource, kind)  # noqa: S101
    return resource
