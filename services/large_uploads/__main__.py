"""The process: ``python -m services.large_uploads``, until SIGTERM. It finishes then what it has begun to take.

``CAIRN_BIND`` is the address, as hypercorn takes it. All else is the environment of the ingest function.
"""

from __future__ import annotations

import asyncio
import os
import time
from typing import Any, cast
from uuid import uuid4

from hypercorn.asyncio import serve
from hypercorn.config import Config

from cairn.intake.limits import KIB
from cairn.intake.messages import Request, Response
from cairn.pipeline.accepting.accept import accept, refused_by_head
from cairn.pipeline.accepting.front import LIMITS, logger, report, stores
from services.large_uploads.application import LargeUploads

BIND_VARIABLE = "CAIRN_BIND"
HEADER_SECONDS = 130
"""How long a connection may be idle, and a request's head may take. Above the load balancer's 120 s: it must be the one
to close a connection, or it sends a request into one that is being closed."""
STOP_SECONDS = 100.0
"""How long requests that were begun are finished after SIGTERM. The task is killed after 120 s."""
LARGEST_HEAD = 16 * KIB
"""Request line and headers; API Gateway takes 10 KB."""
SHOWN = 200
"""Characters of a path in the log."""


def take(request: Request) -> Response:
    """Answer one request."""
    return accept(request, stores(), LIMITS, time.time, lambda: uuid4().hex)


def refuse(request: Request) -> Response | None:
    """The answer to a request that is refused whatever its body is."""
    return refused_by_head(request, stores().projects)


def tell(method: str, path: str, response: Response, size: int, seconds: float) -> None:
    """Count and log an answer: nothing that the client sent but its path, which has the project and no key."""
    report(response)
    logger.info(
        "answered", method=method, path=path[:SHOWN], status=response.status, size=size, seconds=round(seconds, 3)
    )


def settings() -> Config:
    """What the server is told."""
    config = Config()
    config.bind = [os.environ[BIND_VARIABLE]]
    config.keep_alive_timeout = HEADER_SECONDS
    config.graceful_timeout = STOP_SECONDS
    config.h11_max_incomplete_size = LARGEST_HEAD
    config.max_app_queue_size = 2
    config.include_server_header = False
    config.loglevel = "WARNING"
    return config


def main() -> None:
    """Serve until SIGTERM or SIGINT."""
    application = LargeUploads(take, tell, LIMITS, refuse=refuse, ready=stores)
    asyncio.run(serve(cast(Any, application), settings()))


if __name__ == "__main__":
    main()
