"""Alarms, in a stack of their own: it can be left out, and the local run does."""

from __future__ import annotations

from aws_cdk import DefaultStackSynthesizer, Duration, Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_elasticloadbalancingv2 as elb
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sns_subscriptions as subscriptions
from constructs import Construct

from infra.function import Function
from infra.large_uploads import LargeUploadsStack
from infra.settings import DeploymentSettings
from infra.stack import CairnStack
from infra.work_queue import WorkQueue

FIVE_MINUTES = Duration.minutes(5)
OLDEST_MESSAGE = Duration.hours(1)
UNCOUNTED = "Limits could not be checked, or crashes not counted. They are kept, without a limit: the log says why"


class MonitoringStack(Stack):
    """An alarm for each way in which crashes get lost or late. With ``alarm_email`` or ``alarm_topic_arn`` they tell
    somebody; without, they show in CloudWatch."""

    def __init__(
        self,
        scope: Construct,
        cairn: CairnStack,
        settings: DeploymentSettings,
        large_uploads: LargeUploadsStack | None = None,
    ) -> None:
        synthesizer = DefaultStackSynthesizer(generate_bootstrap_version_rule=False)
        super().__init__(
            scope, f"{settings.stack_name}Monitoring", description="Alarms of Cairn", synthesizer=synthesizer
        )
        self._topic = self._make_topic(settings)
        self._alarm(
            "ApiFails",
            cairn.ingest.api.metric_server_error(period=FIVE_MINUTES, statistic="Sum"),
            "Clients got a 5xx answer. Most do not try again, so these crashes are lost",
        )
        self._watch("Ingest", cairn.ingest.worker)
        self._alarm("IngestUncounted", uncounted("ingest"), UNCOUNTED)
        self._watch("Symbolicate", cairn.symbolication.worker)
        self._watch("DebugFileApi", cairn.debug_file_api.worker)
        self._watch("Compile", cairn.debug_files.worker)
        self._watch_queue("Crash", cairn.symbolication.crashes)
        self._watch_queue("DebugFile", cairn.debug_files.files)
        if large_uploads:
            self._watch_balancer(large_uploads)

    def _watch(self, name: str, worker: Function) -> None:
        function = worker.function
        timeout = function.timeout
        assert timeout is not None  # noqa: S101
        self._alarm(f"{name}Fails", function.metric_errors(period=FIVE_MINUTES), "The function raised an error")
        self._alarm(f"{name}Throttled", function.metric_throttles(period=FIVE_MINUTES), "Too many calls at a time")
        self._alarm(
            f"{name}Slow",
            function.metric_duration(period=FIVE_MINUTES, statistic="Maximum"),
            "A call took more than 80 % of the time it may take",
            above=0.8 * timeout.to_milliseconds(),
        )

    def _watch_balancer(self, large_uploads: LargeUploadsStack) -> None:
        balancer, targets = large_uploads.balancer.metrics, large_uploads.targets.metrics
        self._alarm(
            "LargeUploadsFail",
            targets.http_code_target(elb.HttpCodeTarget.TARGET_5XX_COUNT, period=FIVE_MINUTES),
            "Clients got a 5xx answer of the server for large uploads: its log says why",
        )
        self._alarm("LargeUploadsUncounted", uncounted("large_uploads"), UNCOUNTED)
        self._alarm(
            "LargeUploadsUnanswered",
            balancer.http_code_elb(elb.HttpCodeElb.ELB_5XX_COUNT, period=FIVE_MINUTES),
            "The load balancer found no server that answers: clients got a 5xx",
        )
        self._alarm(
            "LargeUploadsGone",
            targets.healthy_host_count(period=FIVE_MINUTES, statistic="Maximum"),
            "For five minutes no server for large uploads has said that it is alive",
            below=1,
        )

    def _watch_queue(self, name: str, work: WorkQueue) -> None:
        self._alarm(
            f"{name}DeadLetters",
            work.dead_letters.metric_approximate_number_of_messages_visible(period=FIVE_MINUTES, statistic="Maximum"),
            "Messages were given up. Look into the function's log, then move them back to the queue",
        )
        self._alarm(
            f"{name}QueueLate",
            work.queue.metric_approximate_age_of_oldest_message(period=FIVE_MINUTES, statistic="Maximum"),
            "The oldest message has been waiting for an hour",
            above=OLDEST_MESSAGE.to_seconds(),
        )

    def _alarm(
        self, name: str, metric: cloudwatch.Metric, says: str, above: float = 0, below: float | None = None
    ) -> None:
        """An alarm when the metric is ``above``; with ``below``, when it is below that, or is not told at all."""
        compared, missing = cloudwatch.ComparisonOperator, cloudwatch.TreatMissingData
        alarm = cloudwatch.Alarm(
            self,
            name,
            metric=metric,
            threshold=above if below is None else below,
            comparison_operator=compared.GREATER_THAN_THRESHOLD if below is None else compared.LESS_THAN_THRESHOLD,
            evaluation_periods=1,
            treat_missing_data=missing.NOT_BREACHING if below is None else missing.BREACHING,
            alarm_description=says,
        )
        if self._topic:
            alarm.add_alarm_action(actions.SnsAction(self._topic))

    def _make_topic(self, settings: DeploymentSettings) -> sns.ITopic | None:
        if settings.alarm_topic_arn:
            return sns.Topic.from_topic_arn(self, "Topic", settings.alarm_topic_arn)
        if not settings.alarm_email:
            return None
        topic = sns.Topic(self, "Topic", enforce_ssl=True)
        topic.add_subscription(subscriptions.EmailSubscription(settings.alarm_email))
        return topic


def uncounted(service: str) -> cloudwatch.Metric:
    """How often intake could not count, as ``cairn.pipeline.accepting.front`` tells it."""
    return cloudwatch.Metric(
        namespace="Cairn",
        metric_name="Uncounted",
        dimensions_map={"service": service},
        period=FIVE_MINUTES,
        statistic="Sum",
    )
