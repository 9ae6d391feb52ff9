"""A stack with one of each thing that Cairn's has: API, two functions, layer, bucket, queue, table."""

from __future__ import annotations

import http.client
import json
import time
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cairn.store.aws import Clients
from cairn_cli.local.deploy import deploy
from cairn_cli.local.emulator import Emulator
from cairn_cli.local.state import Connection, State, aws_clients

FRONT = """
import json, os, sys, time
import boto3
import shared

def handler(event, context):
    path, query = event["rawPath"], event.get("queryStringParameters") or {}
    if path == "/fail":
        raise RuntimeError("the secret reason")
    if path == "/slow":
        time.sleep(float(query["seconds"]))
    if path == "/large":
        return {"statusCode": 200, "body": "x" * 6_300_000}
    if path == "/put":
        boto3.client("s3").put_object(Bucket=os.environ["BUCKET"], Key="crashes/" + query["name"], Body=b"dump")
    if path == "/surroundings":
        found = []
        for name in query["modules"].split(","):
            try:
                __import__(name)
                found.append(name)
            except ImportError:
                pass
        return {"environment": dict(os.environ), "modules": found}
    event["body"] = len(event.get("body") or "")
    return {"statusCode": 200, "headers": {"content-type": "application/json"},
            "body": json.dumps({"event": event, "layer": shared.VALUE, "version": VERSION})}
"""

WORKER = """
import json, os, time
import boto3

def handler(event, context):
    for message in event["Records"]:
        for record in json.loads(message["body"]).get("Records", []):
            key = record["s3"]["object"]["key"]
            if key.endswith("slow"):
                time.sleep(2)
            boto3.client("dynamodb").put_item(TableName=os.environ["TABLE"], Item={"pk": {"S": key}})
"""

TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"},
    ],
}


def bundle(name: str) -> dict[str, Any]:
    return {"S3Bucket": {"Ref": "BundlesBucket"}, "S3Key": {"Fn::Sub": "${BundlesPrefix}" + name}}


def function(name: str, timeout: int, **environment: Any) -> dict[str, Any]:
    return {
        "Type": "AWS::Lambda::Function",
        "Properties": {
            "Runtime": "python3.13",
            "Handler": "index.handler",
            "Role": {"Fn::GetAtt": ["Role", "Arn"]},
            "Code": bundle(f"function-{name}.zip"),
            "Layers": [{"Ref": "Layer"}],
            "Timeout": timeout,
            "Environment": {"Variables": environment},
        },
    }


def template() -> dict[str, Any]:
    """The stack. Its zips are ``layer-shared.zip``, ``function-front.zip`` and ``function-worker.zip``."""
    return {
        "Parameters": {"BundlesBucket": {"Type": "String"}, "BundlesPrefix": {"Type": "String"}},
        "Resources": {
            "Role": {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": TRUST}},
            "Layer": {
                "Type": "AWS::Lambda::LayerVersion",
                "Properties": {"Content": bundle("layer-shared.zip")},
            },
            "Front": function("front", 5, BUCKET="small-crashes"),
            "Worker": function("worker", 60, TABLE={"Ref": "Table"}),
            "Queue": {"Type": "AWS::SQS::Queue", "Properties": {"VisibilityTimeout": 120}},
            "QueuePolicy": {
                "Type": "AWS::SQS::QueuePolicy",
                "Properties": {
                    "Queues": [{"Ref": "Queue"}],
                    "PolicyDocument": {
                        "Statement": [
                            {
                                "Effect": "Allow",
                                "Principal": {"Service": "s3.amazonaws.com"},
                                "Action": "sqs:SendMessage",
                                "Resource": {"Fn::GetAtt": ["Queue", "Arn"]},
                            }
                        ]
                    },
                },
            },
            "Bucket": {
                "Type": "AWS::S3::Bucket",
                "DependsOn": "QueuePolicy",
                "Properties": {
                    "BucketName": "small-crashes",
                    "NotificationConfiguration": {
                        "QueueConfigurations": [
                            {
                                "Event": "s3:ObjectCreated:*",
                                "Queue": {"Fn::GetAtt": ["Queue", "Arn"]},
                                "Filter": {"S3Key": {"Rules": [{"Name": "prefix", "Value": "crashes/"}]}},
                            }
                        ]
                    },
                },
            },
            "Table": {
                "Type": "AWS::DynamoDB::Table",
                "Properties": {
                    "BillingMode": "PAY_PER_REQUEST",
                    "AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}],
                    "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
                },
            },
            "Mapping": {
                "Type": "AWS::Lambda::EventSourceMapping",
                "Properties": {
                    "EventSourceArn": {"Fn::GetAtt": ["Queue", "Arn"]},
                    "FunctionName": {"Ref": "Worker"},
                    "BatchSize": 1,
                },
            },
            "Api": {"Type": "AWS::ApiGatewayV2::Api", "Properties": {"Name": "small", "ProtocolType": "HTTP"}},
            "Integration": {
                "Type": "AWS::ApiGatewayV2::Integration",
                "Properties": {
                    "ApiId": {"Ref": "Api"},
                    "IntegrationType": "AWS_PROXY",
                    "IntegrationUri": {"Fn::GetAtt": ["Front", "Arn"]},
                    "PayloadFormatVersion": "2.0",
                },
            },
            "Route": {
                "Type": "AWS::ApiGatewayV2::Route",
                "Properties": {
                    "ApiId": {"Ref": "Api"},
                    "RouteKey": "$default",
                    "Target": {"Fn::Join": ["/", ["integrations", {"Ref": "Integration"}]]},
                },
            },
            "Stage": {
                "Type": "AWS::ApiGatewayV2::Stage",
                "Properties": {"ApiId": {"Ref": "Api"}, "StageName": "$default", "AutoDeploy": True},
            },
        },
        "Outputs": {"Table": {"Value": {"Ref": "Table"}}, "Bucket": {"Value": {"Ref": "Bucket"}}},
    }


def bundles(folder: Path, version: int = 1) -> list[Path]:
    """The zips of the stack; ``version`` is what the front function tells."""
    contents = {
        "layer-shared.zip": ("python/shared.py", "VALUE = 'from the layer'\n"),
        "function-front.zip": ("index.py", f"VERSION = {version}\n{FRONT}"),
        "function-worker.zip": ("index.py", WORKER),
    }
    for name, (inside, text) in contents.items():
        with zipfile.ZipFile(folder / name, "w") as archive:
            archive.writestr(zipfile.ZipInfo(inside), text)
    return [folder / name for name in contents]


@dataclass
class Small:
    """The small stack, running. ``said`` are the lines that its deployment reported."""

    emulator: Emulator
    clients: Clients
    outputs: dict[str, str]
    said: list[str] = field(default_factory=list)

    def ask(self, method: str, path: str, body: Any = None, headers: Any = None) -> tuple[int, Any]:
        """A request on a new connection, and its status and JSON."""
        connection = http.client.HTTPConnection(self.emulator.url.removeprefix("http://"), timeout=60)
        try:
            connection.request(method, path, body, headers or {})
            response = connection.getresponse()
            return response.status, json.loads(response.read() or b"null")
        finally:
            connection.close()

    def items(self) -> set[str]:
        """The keys that the worker has written."""
        found = self.clients.dynamodb.scan(TableName=self.outputs["Table"])["Items"]
        return {item["pk"]["S"] for item in found}

    def has_work(self) -> bool:
        """Whether a message is in the queue; one stays there until its worker has returned."""
        (url,) = self.clients.sqs.list_queues()["QueueUrls"]
        counts = self.clients.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
        waiting, taken = counts["ApproximateNumberOfMessages"], counts["ApproximateNumberOfMessagesNotVisible"]
        return int(waiting) + int(taken) > 0


def start_small(state: State, zips: list[Path]) -> Small:
    """Start on ``state`` and bring the small stack up to date."""
    emulator = Emulator.start(state, port=0)
    clients = aws_clients(Connection(emulator.url, emulator.endpoint_url, emulator.process.pid))
    said: list[str] = []
    deployment = deploy(clients, json.dumps(template()), zips, said.append)
    if deployment.changed:
        emulator.save()
    emulator.work()
    return Small(emulator, clients, deployment.outputs, said)


def eventually(condition: Callable[[], bool], limit: float = 60) -> bool:
    """Whether the condition holds before ``limit`` seconds are over."""
    deadline = time.monotonic() + limit
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True
