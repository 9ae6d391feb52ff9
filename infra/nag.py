"""cdk-nag's review of the template, and why some of its rules do not hold here. What is not listed fails the build."""

from __future__ import annotations

import hashlib

from aws_cdk import Acknowledgment, App, Stack, Validations
from aws_cdk import aws_s3 as s3
from cdk_nag import AwsSolutionsChecks, ServerlessChecks
from constructs import Construct

ACCEPTED = {
    "AwsSolutions::AwsSolutions-APIG4": "Crash clients cannot sign requests; the ingest function checks the DSN's key",
    "AwsSolutions::AwsSolutions-EC23": "Crash clients come from everywhere; the server checks the DSN's key",
    "AwsSolutions::AwsSolutions-ECS2": "The variables are names of places and limits; there are no secrets in them",
    "AwsSolutions::AwsSolutions-ECS4": "There are alarms for the service; Container Insights would add to its price",
    "AwsSolutions::AwsSolutions-ELB2": "An access log has each client's address and key; the server logs without them",
    "AwsSolutions::AwsSolutions-L1": "The wheels of the layers are locked and tested for python3.13",
    "AwsSolutions::AwsSolutions-S1": "Only the functions reach the bucket; an access log would need another one",
    "AwsSolutions::AwsSolutions-VPC7": "A flow log has each client's address, and the network only the door",
    "Serverless::Serverless-LambdaDLQ": "One is called by a schedule, which does so again; the queues have theirs",
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


def shown_arn(bucket: s3.Bucket, reader: Stack) -> str:
    """How cdk-nag writes the ARN of a bucket in what it finds in the stack ``reader``.

    That is the bucket's logical id, or in another stack the output that CDK makes for it (aws-cdk-lib:
    ``core/lib/private/refs.ts`` and ``uniqueid.ts``).
    """
    home, resource = Stack.of(bucket), bucket.node.default_child
    logical_id = home.get_logical_id(resource)  # type: ignore[arg-type]
    if home.stack_name == reader.stack_name:
        return f"<{logical_id}.Arn>"
    path = f'Publish/Output{{"Fn::GetAtt":["{logical_id}","Arn"]}}'
    digest = hashlib.md5(path.encode(), usedforsecurity=False).hexdigest()[:8].upper()
    output = f"PublishOutputFnGetAtt{logical_id}Arn{digest}"
    where = f'"StackName":"{home.stack_name}","Region":{{"Ref":"AWS::Region"}},"OutputName":"{output}"'
    return f'{{"Fn::GetStackOutput":{{{where}}}}}'
