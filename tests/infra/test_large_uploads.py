"""The stack of the door for large uploads: only there when asked for, and closed but for HTTPS."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from cairn.intake.limits import MIB
from cairn.store.settings import VARIABLES
from infra import large_uploads
from infra.bundling import ROOT
from infra.settings import DeploymentSettings, SettingError
from infra.template import synthesize
from services.large_uploads import __main__ as server
from services.large_uploads.application import HEALTH, PLACES, WAITING
from tests.infra.test_stack import listed, of_type

Resource: TypeAlias = dict[str, Any]
CERTIFICATE = "arn:aws:acm:eu-central-1:111122223333:certificate/12345678-1234-1234-1234-123456789012"
CONTEXT = {"large_uploads": "true", "large_uploads_certificate_arn": CERTIFICATE}
COSTS_WHILE_IDLE = ("AWS::EC2::NatGateway", "AWS::EC2::EIP", "AWS::KMS::Key", "AWS::WAFv2::WebACL")


@pytest.fixture(scope="module")
def templates(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Resource]:
    """All stacks with the door. cdk-nag reviews them on the way and makes this fail for a new finding."""
    return synthesize(tmp_path_factory.mktemp("cdk"), CONTEXT)


@pytest.fixture(scope="module")
def door(templates: dict[str, Resource]) -> Resource:
    return templates["CairnLargeUploads"]


def one(template: Resource, kind: str) -> Resource:
    (properties,) = of_type(template, kind).values()
    return properties


def container(door: Resource) -> Resource:
    (found,) = one(door, "AWS::ECS::TaskDefinition")["ContainerDefinitions"]
    return dict(found)


def variables(door: Resource) -> dict[str, Any]:
    return {pair["Name"]: pair["Value"] for pair in container(door)["Environment"]}


def test_it_is_there_only_when_asked_for(templates: dict[str, Resource], tmp_path: Path) -> None:
    assert templates.keys() == {"Cairn", "CairnLargeUploads", "CairnMonitoring"}
    assert synthesize(tmp_path).keys() == {"Cairn", "CairnMonitoring"}


def test_the_stack_that_works_does_not_change_with_it(templates: dict[str, Resource], tmp_path: Path) -> None:
    without = synthesize(tmp_path)["Cairn"]
    assert templates["Cairn"]["Resources"] == without["Resources"]


def test_without_a_certificate_it_is_refused() -> None:
    with pytest.raises(SettingError, match=r"needs large_uploads_certificate_arn.*dumps would travel in clear"):
        DeploymentSettings.from_context({"large_uploads": "true"}.get)
    assert not DeploymentSettings.from_context({"large_uploads_certificate_arn": CERTIFICATE}.get).large_uploads


def test_it_speaks_https_alone(door: Resource) -> None:
    listener = one(door, "AWS::ElasticLoadBalancingV2::Listener")
    assert (listener["Port"], listener["Protocol"]) == (443, "HTTPS")
    assert listener["Certificates"] == [{"CertificateArn": CERTIFICATE}]
    assert listener["SslPolicy"].startswith("ELBSecurityPolicy-TLS13-1-2")


def test_only_the_load_balancer_reaches_the_task_and_both_reach_little(door: Resource) -> None:
    groups = of_type(door, "AWS::EC2::SecurityGroup")
    opened = [rule for group in groups.values() for rule in group.get("SecurityGroupIngress", [])]
    assert [(rule["CidrIp"], rule["FromPort"], rule["ToPort"]) for rule in opened] == [("0.0.0.0/0", 443, 443)]
    inside = one(door, "AWS::EC2::SecurityGroupIngress")
    assert (inside["FromPort"], inside["ToPort"]) == (large_uploads.PORT, large_uploads.PORT)
    assert "Front" in json.dumps(inside["SourceSecurityGroupId"])
    assert "Back" in json.dumps(inside["GroupId"])
    outward = [rule for group in groups.values() for rule in group.get("SecurityGroupEgress", [])]
    assert [(rule["IpProtocol"], rule["FromPort"], rule["ToPort"]) for rule in outward] == [("tcp", 443, 443)]


def test_nothing_in_it_costs_more_than_it_must(door: Resource) -> None:
    kinds = {resource["Type"] for resource in door["Resources"].values()}
    assert not kinds & set(COSTS_WHILE_IDLE)
    assert not [kind for kind in kinds if kind.startswith(("Custom::", "AWS::Lambda"))]
    definition = one(door, "AWS::ECS::TaskDefinition")
    assert (definition["Cpu"], definition["Memory"]) == ("256", "512")
    assert definition["RuntimePlatform"] == {"CpuArchitecture": "ARM64", "OperatingSystemFamily": "LINUX"}
    endpoints = of_type(door, "AWS::EC2::VPCEndpoint").values()
    assert {endpoint["VpcEndpointType"] for endpoint in endpoints} == {"Gateway"}
    assert sorted(endpoint["ServiceName"]["Fn::Join"][1][-1] for endpoint in endpoints) == [".dynamodb", ".s3"]
    target = one(door, "AWS::ApplicationAutoScaling::ScalableTarget")
    assert (target["MinCapacity"], target["MaxCapacity"]) == (1, 4)


def test_the_container_is_an_image_of_aws_that_fetches_two_bundles(door: Resource) -> None:
    server_ = container(door)
    assert server_["Image"] == "public.ecr.aws/lambda/python:3.13"
    assert server_["EntryPoint"][0] == "/var/lang/bin/python3"
    assert server_["Command"] == ["-c", (ROOT / "infra/task_start.py").read_text()]
    assert json.dumps(variables(door)["CAIRN_BUNDLES"]).count("s3://") == 2
    assert variables(door)["CAIRN_SERVICE"] == "services.large_uploads"
    assert variables(door)["CAIRN_BIND"] == f"0.0.0.0:{large_uploads.PORT}"


def test_the_container_knows_what_the_ingest_function_knows(templates: dict[str, Resource], door: Resource) -> None:
    functions = of_type(templates["Cairn"], "AWS::Lambda::Function").values()
    given = [function["Environment"]["Variables"] for function in functions]
    ingest = next(one for one in given if one["POWERTOOLS_SERVICE_NAME"] == "ingest")
    assert set(VARIABLES.values()) < ingest.keys() <= variables(door).keys()
    for name, value in ingest.items():
        if isinstance(value, str) and name != "POWERTOOLS_SERVICE_NAME":
            assert variables(door)[name] == value


def test_the_container_can_do_little(door: Resource) -> None:
    server_ = container(door)
    assert server_["ReadonlyRootFilesystem"] is True
    assert server_["MountPoints"] == [{"ContainerPath": "/tmp", "ReadOnly": False, "SourceVolume": "tmp"}]
    assert server_["LinuxParameters"]["Capabilities"] == {"Drop": ["ALL"]}
    assert one(door, "AWS::ECS::Service")["EnableExecuteCommand"] is False


def test_the_role_is_that_of_ingest_and_reads_its_bundles(templates: dict[str, Resource], door: Resource) -> None:
    def allowed(template: Resource, role: str) -> dict[str, set[str]]:
        policies = of_type(template, "AWS::IAM::Policy").items()
        (document,) = (policy["PolicyDocument"] for name, policy in policies if name.startswith(role))
        found: dict[str, set[str]] = {}
        for statement in document["Statement"]:
            for resource in listed(statement["Resource"]):
                actions = {action for action in listed(statement["Action"]) if not action.startswith("logs:")}
                found.setdefault(kind_of(json.dumps(resource)), set()).update(actions)
        return {kind: actions for kind, actions in found.items() if actions}

    task = allowed(door, "TaskRole")
    assert task.pop("bundle") == {"s3:GetObject"}
    ingest = allowed(templates["Cairn"], "IngestRole")
    assert ingest.pop("StorageBucket") == {"s3:ListBucket"}, "which finishes uploads that were left behind"
    assert task == ingest


def kind_of(resource: str) -> str:
    """What a resource is, whichever stack names it."""
    if "cdk-hnb659fds-assets" in resource:
        assert '.zip"' in resource and "*" not in resource
        return "bundle"
    named = [name for name in ("StorageProjects", "StorageEvents", "StorageBucket", "Log") if name in resource]
    objects = [place for place in ("/crashes/*", "/crashes/*/sent-*", "/uploads/*") if f'"{place}"' in resource]
    assert len(named) == 1 and len(objects) == ("*" in resource)
    return "".join(named + objects)


def test_the_load_balancer_and_the_server_agree(door: Resource) -> None:
    targets = one(door, "AWS::ElasticLoadBalancingV2::TargetGroup")
    assert HEALTH.fullmatch(targets["HealthCheckPath"])
    attributes = {
        pair["Key"]: pair["Value"]
        for pair in one(door, "AWS::ElasticLoadBalancingV2::LoadBalancer")["LoadBalancerAttributes"]
    }
    assert attributes["routing.http.drop_invalid_header_fields.enabled"] == "true"
    assert int(attributes["idle_timeout.timeout_seconds"]) < server.HEADER_SECONDS
    assert container(door)["StopTimeout"] > server.STOP_SECONDS


def test_bodies_on_disk_fit_into_the_volume() -> None:
    assert (PLACES + WAITING) * 20 * MIB < 20_000 * MIB / 2, "Fargate gives 20 GB"


def test_a_deployment_that_fails_is_taken_back(door: Resource) -> None:
    service = one(door, "AWS::ECS::Service")
    assert service["DeploymentConfiguration"] == {
        "DeploymentCircuitBreaker": {"Enable": True, "Rollback": True},
        "MaximumPercent": 200,
        "MinimumHealthyPercent": 100,
    }
    assert "DesiredCount" not in service, "a deployment must not undo what was scaled"


def test_its_log_forgets_and_its_host_is_told(door: Resource) -> None:
    assert one(door, "AWS::Logs::LogGroup")["RetentionInDays"] == 30
    assert [name for name in door["Outputs"] if not name.startswith("PublishOutput")] == ["LargeUploadsHost"]


def test_alarms_watch_it(templates: dict[str, Resource]) -> None:
    alarms = of_type(templates["CairnMonitoring"], "AWS::CloudWatch::Alarm")
    watching = {name: alarm["MetricName"] for name, alarm in alarms.items() if name.startswith("LargeUploads")}
    assert sorted(watching.values()) == [
        "HTTPCode_ELB_5XX_Count",
        "HTTPCode_Target_5XX_Count",
        "HealthyHostCount",
        "Uncounted",
    ]
    gone = alarms["LargeUploadsGone" + next(name for name in watching if "Gone" in name)[-8:]]
    assert (gone["ComparisonOperator"], gone["Threshold"]) == ("LessThanThreshold", 1)
    assert gone["TreatMissingData"] == "breaching", "without a task the load balancer says nothing"
