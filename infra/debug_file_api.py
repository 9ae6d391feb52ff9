"""The way in for debug files, and out again: the function behind ``/api/0/``, where sentry-cli looks for a server, and
``/symbols/``, where debuggers do."""

from __future__ import annotations

from aws_cdk import Duration
from aws_cdk import aws_apigatewayv2 as apigateway
from aws_cdk.aws_apigatewayv2_integrations import HttpLambdaIntegration
from constructs import Construct

from cairn.store.crashes.events import KEY as EVENTS
from cairn.store.crashes.uploads import PREFIX as CRASHES
from cairn.store.outcomes import PREFIX as OUTCOMES
from cairn.store.projects import OWNER_INDEX, PROJECT, SLUG
from cairn.store.queues import DEBUG_FILE_QUEUE_VARIABLE
from cairn.store.symbols.chunks import PREFIX as CHUNKS
from cairn.store.tokens import TOKEN
from infra.function import Code, Function
from infra.settings import DeploymentSettings
from infra.storage import Storage
from infra.work_queue import WorkQueue

ROUTES = (
    ("/api/0/{proxy+}", apigateway.HttpMethod.GET),
    ("/api/0/{proxy+}", apigateway.HttpMethod.POST),
    ("/api/{proxy+}", apigateway.HttpMethod.GET),
    ("/symbols/{proxy+}", apigateway.HttpMethod.GET),
    ("/symbols/{proxy+}", apigateway.HttpMethod.HEAD),
)
"""``/api/{proxy+}`` is for ``/api/0/`` itself: a greedy path does not take nothing, and an exact one not the slash. The
last two are for debuggers."""


class DebugFileApi(Construct):
    """``functions/debug_files``: takes chunks, and has the work queue of debug files put them together."""

    def __init__(
        self,
        scope: Construct,
        name: str,
        code: Code,
        storage: Storage,
        settings: DeploymentSettings,
        *,
        api: apigateway.HttpApi,
        files: WorkQueue,
    ) -> None:
        super().__init__(scope, name)
        self.worker = Function(
            self,
            "DebugFiles",
            code,
            storage,
            settings,
            folder="debug_files",
            description="Takes debug files from sentry-cli",
            memory_mb=512,
            timeout=Duration.seconds(29),
            layers=[code.cairn],
        )
        self.worker.function.add_environment(DEBUG_FILE_QUEUE_VARIABLE, files.queue.queue_url)
        self.worker.may_use_table(storage.projects, "GetItem", keys=(PROJECT, SLUG, TOKEN))
        self.worker.may_query_index(storage.projects, OWNER_INDEX)
        self.worker.may_use_table(storage.events, "Query", keys=(OUTCOMES, EVENTS))
        self.worker.may_use_table(storage.events, "GetItem", keys=(EVENTS,))
        self.worker.may_use_table(storage.symbols, "BatchGetItem", "PutItem", "UpdateItem", "Query")
        self.worker.may_use_objects(CHUNKS, "PutObject")
        self.worker.may_use_objects("debug-files/", "GetObject")
        self.worker.may_use_objects("symbols/sources/", "GetObject")
        self.worker.may_use_objects(CRASHES, "GetObject")
        self.worker.may_send(files.queue)
        integration = HttpLambdaIntegration("Integration", self.worker.function)
        for path, method in ROUTES:
            api.add_routes(path=path, methods=[method], integration=integration)
