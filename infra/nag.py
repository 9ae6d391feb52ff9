"""cdk-nag's review of the template, and why some of its rules do not hold here. What is not listed fails the build."""

from __future__ import annotations

from aws_cdk import Acknowledgment, App, Validations
from cdk_nag import AwsSolutionsChecks, ServerlessChecks
from constructs import Construct

ACCEPTED = {
    "AwsSolutions::AwsSolutions-APIG4": "Crash clients cannot sign requests; the ingest function checks the DSN's key",
    "AwsSolutions::AwsSolutions-L1": "The wheels of the layers are locked and tested for python3.13",
    "AwsSolutions::AwsSolutions-S1": "Only the functions reach the bucket; an access log would need another one",
    "Serverless::Serverless-LambdaDLQ": "Nothing calls the functions asynchronously; the queues have theirs",
    "Serverless::Serverless-LambdaEventSourceMappingDestination": "Failed messages go to the queue's dead-letter queue",
    "Serverless::Serverless-LambdaLatestVersion": "The wheels of the layers are locked and tested for python3.13",
    "Serverless::Serverless-LambdaTracing": "A crash leaves its stages in the logs; traces would cost more than ingest",
    "Serverless::Serverless-SNSRedrivePolicy": "An alarm whose mail is lost still shows in CloudWatch",
    "Serverless::Serverless-SQSRedrivePolicy": "Only dead-letter queues have none: tests/infra/test_stack.py",
}
"""Rule to the reason why it is not followed, for the whole app."""


def review(app: App) -> None:
    """Make synthesis fail on each finding that ``ACCEPTED`` does not explain."""
    Validations.of(app).add_plugins(AwsSolutionsChecks(app), ServerlessChecks(app))
    for rule, reason in ACCEPTED.items():
        accept(app, rule, reason)


def accept(construct: Construct, rule: str, reason: str) -> None:
    """Explain one finding on one construct, where the code is that causes it."""
    Validations.of(construct).acknowledge(Acknowledgment(id=rule, reason=reason))
