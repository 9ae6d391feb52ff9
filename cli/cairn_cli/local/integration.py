"""The functions behind the emulated HTTP API, called as API Gateway calls them.

Uses private names of MiniStack 1.5.33, which is why that version is pinned.
"""

from __future__ import annotations

import base64
import os
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs

from ministack.services import apigateway, lambda_svc

from cairn_cli.local.front_door import Reply, Request, refusal

_execute = lambda_svc._execute_function_with_config_scope
_queue_concurrency = lambda_svc._sqs_esm_concurrency
_reply = lambda_svc.lambda_execute_result_to_api_proxy_response


async def call_function(request: Request) -> Reply:
    """The reply of the function that the request's route names; 404 if there is no route, or no API yet.

    Cairn's stack has one HTTP API, on the stage ``$default``.
    """
    status, headers, body = await apigateway.handle_execute(
        next((api for _account, _region, api in apigateway._apis._data), "none"),
        "$default",
        apigateway.decode_http_api_path(request.path),
        request.method,
        request.headers,
        request.body,
        parse_qs(request.query, keep_blank_values=True),
        raw_query_string=request.query,
    )
    return int(status), {**headers, "apigw-requestid": base64.b64encode(os.urandom(11)).decode()}, body


def behave_as_aws() -> None:
    """From now on give functions the events, and clients the errors, of the real API Gateway."""
    lambda_svc._execute_function_with_config_scope = _execute_with_aws_event
    lambda_svc.lambda_execute_result_to_api_proxy_response = _reply_without_reasons


class QueueWork:
    """How many functions run for a queue at once: none until ``begin``, then one for each processor.

    A function that is replaced while it starts fails, and its message waits for the visibility timeout: so nothing
    starts before the deployment. And AWS has a machine for each, while here ten cold starts on two processors made
    senders wait beyond their 30 s.
    """

    def __init__(self) -> None:
        self._limit = 0
        lambda_svc._sqs_esm_concurrency = self._concurrency

    def begin(self) -> None:
        """Let functions take messages."""
        self._limit = os.cpu_count() or 1

    def _concurrency(self, *arguments: Any) -> int:
        return min(self._limit, int(_queue_concurrency(*arguments)))


def tell_logs(tell: Callable[[str, str, bool], None]) -> None:
    """From now on hand what each call of a function logs to ``tell``: function, text, whether the call failed.

    The emulator would keep a log stream for each call in memory, for ever.
    """

    def emit(record: dict[str, Any], _request_id: str, text: str, error: bool, *_: Any, **__: Any) -> None:
        tell((record.get("config") or record).get("FunctionName", "unknown"), text, error)

    lambda_svc._emit_lambda_logs = emit


def _reply_without_reasons(result: dict[str, Any]) -> Any:
    status = 503 if result.get("throttle") else 500 if result.get("error") else 0
    if not status:
        return _reply(result)
    _, headers, body = refusal(status)
    return {"statusCode": status, "headers": headers, "body": body.decode()}, None


def _execute_with_aws_event(record: Any, event: Any) -> Any:
    if isinstance(event, dict) and event.get("version") == "2.0" and "rawPath" in event:
        event = event_as_aws(event)
    return _execute(record, event)


def event_as_aws(event: dict[str, Any]) -> dict[str, Any]:
    """An HTTP API event with what the emulator leaves out: cookies in their list, the name and address asked for."""
    headers = dict(event["headers"])
    cookie = headers.pop("cookie", None)
    context = event["requestContext"]
    http = {**context["http"], "sourceIp": headers.get("x-forwarded-for", "127.0.0.1")}
    context = {**context, "http": http, "domainName": headers.get("host", context["domainName"])}
    event = {**event, "headers": headers, "requestContext": context}
    if cookie is not None:
        event["cookies"] = cookie.split("; ")
    return event
