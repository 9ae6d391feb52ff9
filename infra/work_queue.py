"""A queue, the function that works through it one message at a time, and a place for what fails again and again."""

from __future__ import annotations

from aws_cdk import Duration
from aws_cdk import aws_lambda_event_sources as event_sources
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from infra.function import Function

TRIES = 5
"""How often a message is handed out before it is put aside."""

PATIENCE = 6
"""Visibility timeout in function timeouts, as Lambda's documentation asks: while the function is throttled, messages
must not come back and use up their tries."""


class WorkQueue(Construct):
    """Messages for ``worker``. A message stays invisible for ``PATIENCE`` times the function's timeout; after ``TRIES``
    it goes to ``dead_letters``, which keeps it 14 days."""

    def __init__(self, scope: Construct, name: str, timeout: Duration) -> None:
        super().__init__(scope, name)
        self.dead_letters = sqs.Queue(
            self,
            "DeadLetters",
            encryption=sqs.QueueEncryption.SQS_MANAGED,
            enforce_ssl=True,
            retention_period=Duration.days(14),
        )
        self.queue = sqs.Queue(
            self,
            "Queue",
            encryption=sqs.QueueEncryption.SQS_MANAGED,
            enforce_ssl=True,
            retention_period=Duration.days(14),
            visibility_timeout=Duration.seconds(PATIENCE * timeout.to_seconds()),
            dead_letter_queue=sqs.DeadLetterQueue(queue=self.dead_letters, max_receive_count=TRIES),
        )

    def worked_by(self, worker: Function, at_once: int) -> None:
        """Hand messages to ``worker``, one a call, at most ``at_once`` calls at a time (2 to 1000)."""
        worker.function.add_event_source(
            event_sources.SqsEventSource(
                self.queue, batch_size=1, max_concurrency=at_once, report_batch_item_failures=True
            )
        )
