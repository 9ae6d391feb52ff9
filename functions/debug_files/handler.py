"""API Gateway (HTTP API, payload 2.0) to the debug-file API and the symbol server."""

from __future__ import annotations

from functools import cache
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from cairn.store.aws import shared
from cairn.web.access import hide_token
from cairn.web.api import Api
from cairn.web.services import Services

logger = Logger(service="debug_files")


@cache
def api() -> Api:
    """The API, made on the first request and kept while the function is warm."""
    return Api(Services.from_environment(shared()))


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Answer one request."""
    answer = api().answer(event, context)
    http = event["requestContext"]["http"]
    logger.info("answered", method=http["method"], path=hide_token(event["rawPath"]), status=answer["statusCode"])
    return answer
