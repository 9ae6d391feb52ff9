"""The way in: an HTTP API before the function that stores what clients send."""

from __future__ import annotations

import json

from aws_cdk import Duration
from aws_cdk import aws_apigatewayv2 as apigateway
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk.aws_apigatewayv2_integrations import HttpLambdaIntegration
from constructs import Construct

from cairn.pipeline.accepting.finish_uploads import FINISH_UPLOADS
from cairn.store.counters import PREFIX as COUNTERS
from cairn.store.crashes.signed_uploads import PREFIX as UPLOADS
from cairn.store.crashes.signed_uploads import SENT
from cairn.store.outcomes import PREFIX as OUTCOMES
from cairn.store.projects import KEY, PROJECT
from infra.function import Code, Function, Worker, make_log_group
from infra.nag import accept
from infra.settings import DeploymentSettings
from infra.storage import Storage

ROUTE = "/api/{proxy+}"
"""Routes cannot end in a slash, and Sentry's ``/api/<project>/minidump/`` does, so a greedy path takes it, and
``/api/store/`` with it. API Gateway prefers the route that says more: ``/api/0/`` is another function's."""

METHODS = ("POST", "OPTIONS", "PATCH", "HEAD")
"""The last two are of the tus protocol, by which large attachments come."""

BURST = 2
"""How many seconds' worth of requests the API takes at once. Above that it answers 429 by itself, whatever the address:
the one 429 that a minidump can meet."""

LOGGED = (
    "requestId",
    "requestTime",
    "httpMethod",
    "routeKey",
    "status",
    "responseLength",
    "responseLatency",
    "integrationErrorMessage",
)
"""What the access log says of a request: neither the client's address nor its key, nor its path, in which debuggers
send their token."""


class Ingest(Construct):
    """``METHODS /api/{proxy+}``."""

    def __init__(self, scope: Construct, name: str, code: Code, storage: Storage, settings: DeploymentSettings) -> None:
        super().__init__(scope, name)
        self.worker = Function(
            self,
            "Ingest",
            code,
            storage,
            settings,
            folder="ingest",
            description="Checks an upload and stores it",
            memory_mb=512,
            timeout=Duration.seconds(29),
            layers=[code.cairn],
        )
        for variable, value in settings.intake_environment.items():
            self.worker.function.add_environment(variable, value)
        grant_intake(self.worker, storage)
        self.worker.may_list_objects(UPLOADS)
        self._finish_uploads_hourly()
        self.api = apigateway.HttpApi(
            self, "Api", api_name=settings.stack_name, description="Where crashes are sent", create_default_stage=False
        )
        self.stage = self._make_stage(settings)
        self.api.add_routes(
            path=ROUTE,
            methods=[getattr(apigateway.HttpMethod, method) for method in METHODS],
            integration=HttpLambdaIntegration("Integration", self.worker.function),
        )

    @property
    def endpoint(self) -> str:
        """``https://…`` without a slash at the end."""
        return self.api.api_endpoint

    def _finish_uploads_hourly(self) -> None:
        call = targets.LambdaFunction(
            self.worker.function, event=events.RuleTargetInput.from_object(FINISH_UPLOADS), retry_attempts=0
        )
        hourly = events.Rule(
            self,
            "Hourly",
            description="Commits uploads in steps that came whole and were left behind",
            schedule=events.Schedule.rate(Duration.hours(1)),
            targets=[call],
        )
        accept(hourly, "Serverless::Serverless-EventBusDLQ", "What one call does not do, the next one does")

    def _make_stage(self, settings: DeploymentSettings) -> apigateway.HttpStage:
        stage = apigateway.HttpStage(
            self,
            "Stage",
            http_api=self.api,
            stage_name="$default",
            auto_deploy=True,
            throttle=apigateway.ThrottleSettings(
                rate_limit=settings.requests_a_second, burst_limit=BURST * settings.requests_a_second
            ),
        )
        resource = stage.node.default_child
        assert isinstance(resource, apigateway.CfnStage)  # noqa: S101
        resource.access_log_settings = apigateway.CfnStage.AccessLogSettingsProperty(
            destination_arn=make_log_group(self, "AccessLog", settings).log_group_arn,
            format=json.dumps({name: f"$context.{name}" for name in LOGGED}),
        )
        return stage


def grant_intake(worker: Worker, storage: Storage) -> None:
    """Let a worker do what taking crashes needs: look up keys, write, and read nothing of what was sent but
    the uploads in steps, which are looked at before they are accepted."""
    worker.may_use_table(storage.projects, "GetItem", keys=(KEY, PROJECT))
    worker.may_use_table(storage.events, "PutItem")
    worker.may_use_table(storage.events, "UpdateItem", keys=(COUNTERS, OUTCOMES))
    worker.may_use_table(storage.events, "Query", keys=(OUTCOMES,))
    worker.may_use_objects("crashes/", "PutObject", "AbortMultipartUpload")
    worker.may_use_objects(SENT, "GetObject", "DeleteObject", "ListMultipartUploadParts")
    worker.may_use_objects(UPLOADS, "GetObject", "PutObject", "ListMultipartUploadParts")
