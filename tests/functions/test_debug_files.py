from __future__ import annotations

import io
import json
import logging
from types import SimpleNamespace
from typing import Any, cast

import pytest
from aws_lambda_powertools.utilities.typing import LambdaContext

from functions.debug_files import handler as debug_files

CONTEXT = cast(
    LambdaContext,
    SimpleNamespace(function_name="f", memory_limit_in_mb=512, invoked_function_arn="arn", aws_request_id="1"),
)


class Api:
    """Answers everything with a redirect."""

    def answer(self, _event: dict[str, Any], _context: Any) -> dict[str, Any]:
        return {"statusCode": 302, "headers": {}, "body": "{}"}


def test_the_log_has_the_path_but_not_the_debuggers_token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(debug_files, "api", Api)
    handler = cast("logging.StreamHandler[io.StringIO]", debug_files.logger.registered_handler)
    printed = io.StringIO()
    before = handler.setStream(printed)
    path = "/symbols/cairn_secret/buildid/00ff/executable"
    event = {"rawPath": path, "requestContext": {"http": {"method": "GET", "path": path}}}
    try:
        assert debug_files.handler(event, CONTEXT)["statusCode"] == 302
    finally:
        handler.setStream(before or printed)
    logged = json.loads(printed.getvalue())
    assert (logged["path"], logged["status"]) == ("/symbols/…/buildid/00ff/executable", 302)
    assert "cairn_secret" not in printed.getvalue()
