"""The door for requests that no function takes: a load balancer before a server in a container. A stack of its own, and
only there when ``large_uploads`` is set, since it costs money while nothing crashes."""

from __future__ import annotations

from pathlib import Path

from aws_cdk import CfnOutput, DefaultStackSynthesizer, Duration, Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_elasticloadbalancingv2 as elb
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3_assets as assets
from constructs import Construct

from infra.function import Worker
from infra.ingest import grant_intake
from infra.settings import DeploymentSettings
from infra.stack import CairnStack
from infra.storage import Storage

PORT = 8080
CPU = 256
"""A quarter of a processor."""
MEMORY_MB = 512
"""The server was measured to need 280 MB at most: ``docs/large-uploads.md``."""
MOST_TASKS = 4
BUSY_PERCENT = 60
"""Processor use above which another task is started."""
IMAGE = "public.ecr.aws/lambda/python:3.13"
"""AWS's own image of the runtime that the bundles are built for. It has boto3, which ``task_start.py`` needs."""
PYTHON = "/var/lang/bin/python3"
RUNTIME_PACKAGES = "/var/runtime"
"""Where older images of that runtime keep boto3; it is looked for there too."""
SERVICE = "large_uploads"
BUNDLES = ("layer-cairn", f"service-{SERVICE}")
HEALTH = "/api/relay/healthcheck/live/"

IDLE = Duration.seconds(120)
"""How long the balancer waits for an answer: a crash may wait for its turn. The server keeps connections for longer."""
DRAIN = Duration.seconds(60)
STOP = Duration.seconds(120)
"""How long a task may finish what it has begun; ECS allows no more."""


class LargeUploadsStack(Stack):
    """HTTPS only: dumps hold people's memory. The certificate is the user's, and so is the name that it is for."""

    def __init__(self, scope: Construct, cairn: CairnStack, settings: DeploymentSettings, bundles: Path) -> None:
        synthesizer = DefaultStackSynthesizer(generate_bootstrap_version_rule=False)
        name = f"{settings.stack_name}LargeUploads"
        super().__init__(scope, name, description="Cairn's door for large uploads", synthesizer=synthesizer)
        self.vpc = make_network(self)
        self.task = Task(self, "Task", cairn.storage, settings, bundles)
        front, back = make_security_groups(self, self.vpc)
        self.service = make_service(self, self.vpc, self.task, back)
        self.balancer = elb.ApplicationLoadBalancer(
            self,
            "Balancer",
            vpc=self.vpc,
            internet_facing=True,
            security_group=front,
            idle_timeout=IDLE,
            drop_invalid_header_fields=True,
        )
        self.targets = self._make_targets()
        self.balancer.add_listener(
            "Https",
            port=443,
            certificates=[elb.ListenerCertificate.from_arn(settings.large_uploads_certificate_arn or "")],
            default_target_groups=[self.targets],
            open=False,
        )
        CfnOutput(self, "LargeUploadsHost", value=self.balancer.load_balancer_dns_name)

    def _make_targets(self) -> elb.ApplicationTargetGroup:
        return elb.ApplicationTargetGroup(
            self,
            "Targets",
            vpc=self.vpc,
            port=PORT,
            protocol=elb.ApplicationProtocol.HTTP,
            target_type=elb.TargetType.IP,
            targets=[self.service],
            deregistration_delay=DRAIN,
            health_check=elb.HealthCheck(path=HEALTH, interval=Duration.seconds(15), healthy_threshold_count=2),
        )


class Task(Worker):
    """The container: an image of AWS that fetches the bundles and becomes the server. Its role is that of the ingest
    function, with the right to read its bundles. Nothing is written but ``/tmp``."""

    def __init__(
        self, scope: Construct, name: str, storage: Storage, settings: DeploymentSettings, bundles: Path
    ) -> None:
        super().__init__(scope, name, storage, settings, "ecs-tasks.amazonaws.com")
        grant_intake(self, storage)
        self.definition = ecs.FargateTaskDefinition(
            self,
            "Definition",
            cpu=CPU,
            memory_limit_mib=MEMORY_MB,
            runtime_platform=ecs.RuntimePlatform(
                cpu_architecture=ecs.CpuArchitecture.ARM64, operating_system_family=ecs.OperatingSystemFamily.LINUX
            ),
            task_role=self.role,
            volumes=[ecs.Volume(name="tmp")],
        )
        container = self.definition.add_container(
            "Server",
            image=ecs.ContainerImage.from_registry(IMAGE),
            entry_point=[PYTHON, "-P"],
            command=["-c", (Path(__file__).parent / "task_start.py").read_text()],
            environment=storage.environment | settings.intake_environment | self._environment(bundles),
            logging=ecs.LogDriver.aws_logs(stream_prefix=SERVICE, log_group=self.log_group),
            port_mappings=[ecs.PortMapping(container_port=PORT)],
            readonly_root_filesystem=True,
            linux_parameters=self._no_capabilities(),
            stop_timeout=STOP,
        )
        container.add_mount_points(ecs.MountPoint(source_volume="tmp", container_path="/tmp", read_only=False))  # noqa: S108

    def _environment(self, bundles: Path) -> dict[str, str]:
        return {
            "CAIRN_BIND": f"0.0.0.0:{PORT}",
            "CAIRN_BUNDLES": " ".join(self._address(bundles, name) for name in BUNDLES),
            "CAIRN_SERVICE": f"services.{SERVICE}",
            "AWS_DEFAULT_REGION": Stack.of(self).region,
            "PYTHONPATH": RUNTIME_PACKAGES,
            "POWERTOOLS_SERVICE_NAME": SERVICE,
            "POWERTOOLS_METRICS_NAMESPACE": "Cairn",
            "POWERTOOLS_LOG_LEVEL": "INFO",
        }

    def _address(self, bundles: Path, name: str) -> str:
        """Where CDK puts a bundle; from then on the task may read it, and no other."""
        asset = assets.Asset(self, name.title(), path=str(bundles / f"{name}.zip"), display_name=name)
        arn = Stack.of(self).format_arn(
            service="s3", region="", account="", resource=asset.s3_bucket_name, resource_name=asset.s3_object_key
        )
        self.role.add_to_policy(iam.PolicyStatement(actions=["s3:GetObject"], resources=[arn]))
        return f"s3://{asset.s3_bucket_name}/{asset.s3_object_key}"

    def _no_capabilities(self) -> ecs.LinuxParameters:
        parameters = ecs.LinuxParameters(self, "Linux")
        parameters.drop_capabilities(ecs.Capability.ALL)
        return parameters


def make_network(scope: Construct) -> ec2.Vpc:
    """Public subnets only: a NAT gateway would cost as much as all the rest. S3 and DynamoDB are reached inside."""
    return ec2.Vpc(
        scope,
        "Vpc",
        max_azs=2,
        nat_gateways=0,
        subnet_configuration=[ec2.SubnetConfiguration(name="Public", subnet_type=ec2.SubnetType.PUBLIC)],
        restrict_default_security_group=False,  # that would bring a function of CDK's; nothing uses the group
        gateway_endpoints={
            "S3": ec2.GatewayVpcEndpointOptions(service=ec2.GatewayVpcEndpointAwsService.S3),
            "DynamoDb": ec2.GatewayVpcEndpointOptions(service=ec2.GatewayVpcEndpointAwsService.DYNAMODB),
        },
    )


def make_security_groups(scope: Construct, vpc: ec2.Vpc) -> tuple[ec2.SecurityGroup, ec2.SecurityGroup]:
    """That of the load balancer, and that of the tasks, to which only the load balancer speaks. Tasks speak HTTPS."""
    front = ec2.SecurityGroup(scope, "Front", vpc=vpc, allow_all_outbound=False, description="Crash clients")
    back = ec2.SecurityGroup(scope, "Back", vpc=vpc, allow_all_outbound=False, description="The server")
    front.add_ingress_rule(ec2.Peer.any_ipv4(), ec2.Port.tcp(443), "Crash clients come from everywhere")
    front.add_egress_rule(back, ec2.Port.tcp(PORT), "To the server")
    back.add_ingress_rule(front, ec2.Port.tcp(PORT), "From the load balancer")
    back.add_egress_rule(ec2.Peer.any_ipv4(), ec2.Port.tcp(443), "AWS: image, bundles, storage, logs")
    return front, back


def make_service(scope: Construct, vpc: ec2.Vpc, task: Task, group: ec2.SecurityGroup) -> ecs.FargateService:
    """One task, and up to ``MOST_TASKS`` while they are busy. A deployment that does not come up is taken back."""
    service = ecs.FargateService(
        scope,
        "Service",
        cluster=ecs.Cluster(scope, "Cluster", vpc=vpc, container_insights_v2=ecs.ContainerInsights.DISABLED),
        task_definition=task.definition,
        assign_public_ip=True,
        vpc_subnets=ec2.SubnetSelection(subnet_type=ec2.SubnetType.PUBLIC),
        security_groups=[group],
        circuit_breaker=ecs.DeploymentCircuitBreaker(rollback=True),
        min_healthy_percent=100,
        max_healthy_percent=200,
        enable_execute_command=False,
        health_check_grace_period=Duration.seconds(60),
    )
    tasks = service.auto_scale_task_count(min_capacity=1, max_capacity=MOST_TASKS)
    tasks.scale_on_cpu_utilization("Busy", target_utilization_percent=BUSY_PERCENT)
    return service
