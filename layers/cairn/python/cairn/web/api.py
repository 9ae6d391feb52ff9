"""The routes of the API: who may call what, and which function answers."""

from __future__ import annotations

import base64
import json
import re
import time
from collections.abc import Callable
from functools import partial
from typing import Any, TypeAlias
from urllib.parse import parse_qs

from aws_lambda_powertools import Logger
from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response

from cairn.store.errors import StoreError, UnavailableError
from cairn.web.access import (
    FETCH,
    READ,
    READ_EVENTS,
    UPLOAD,
    authenticate,
    check_organization,
    find_project,
    find_token,
    require,
)
from cairn.web.chunk_upload import read_chunks, upload_options
from cairn.web.errors import ApiError, BadRequestError
from cairn.web.organizations import organization, projects_of, who_is_asking
from cairn.web.services import Services
from cairn.web.stats import question, statistics

ORGANIZATION = "/api/0/organizations/<org>/"
PROJECT = "/api/0/projects/<org>/<project>/"

logger = Logger(child=True)

Reply: TypeAlias = Response[str] | Response[bytes]


class Api:
    """The API under ``/api/0/``, and the symbol server under ``/symbols/``, over ``services``.

    Every error is ``{"detail": text}``: 400 for what makes no sense, 401 without a token that is taken, 403 when its
    scopes are not enough, 404 for what is not there, 413 for what is too large, 503 and 500 when the store fails.
    """

    def __init__(self, services: Services) -> None:
        self._services = services
        self._app = APIGatewayHttpResolver()
        routes: list[tuple[str, str, Callable[..., Reply]]] = [
            ("GET", "/api/0/", self._info),
            ("GET", "/api/0/organizations/", self._organizations),
            ("GET", ORGANIZATION + "projects/", self._projects),
            ("GET", ORGANIZATION + "stats_v2/", self._stats),
            ("GET", ORGANIZATION + "chunk-upload/", self._upload_options),
            ("POST", ORGANIZATION + "chunk-upload/", self._take_chunks),
            ("POST", PROJECT + "files/difs/assemble/", self._assemble),
            ("GET", PROJECT + "files/dsyms/", self._debug_files),
            ("POST", PROJECT + "files/dsyms/", self._upload_form),
            ("GET", PROJECT + "files/dsyms/unknown/", self._unknown),
            ("POST", PROJECT + "files/dsyms/associate/", self._associate),
            ("GET", PROJECT + "files/missing/", self._missing),
            ("POST", PROJECT + "reprocessing/", self._reprocess),
            ("GET", PROJECT + "events/<event_id>/attachments/", self._attachments),
            ("GET", PROJECT + "events/<event_id>/attachments/<file_id>/", self._attachment),
        ]
        for_debuggers: list[tuple[str, Callable[..., Reply]]] = [
            ("/symbols/<token>/buildid/<build_id>/source/.+/", self._source),
            ("/symbols/buildid/<build_id>/source/.+/", self._source),
            ("/symbols/<token>/buildid/<build_id>/<part>/", self._debuginfod),
            ("/symbols/<token>/<name>/<file_id>/<file>/", self._symstore),
            ("/symbols/buildid/<build_id>/<part>/", self._debuginfod),
            ("/symbols/<name>/<file_id>/<file>/", self._symstore),
        ]
        routes += [(method, path, function) for path, function in for_debuggers for method in ("GET", "HEAD")]
        for method, path, function in routes:
            self._app.route(path, method)(function)
        self._app.not_found(lambda _error: reply(404, {"detail": "this Cairn has no such address"}))
        self._app.exception_handler(ApiError)(lambda error: reply(error.status, {"detail": error.message}))
        self._app.exception_handler(Exception)(failed)

    def answer(self, event: dict[str, Any], context: Any) -> dict[str, Any]:
        """Answer one event of an HTTP API (payload 2.0). Sentry's paths end in a slash; without it they do as well. Two
        slashes are one: an address with one at its end may have been joined to a path that begins with one."""
        path = re.sub("/+", "/", event["rawPath"] + "/")
        return self._app.resolve({**event, "rawPath": path}, context)

    def _info(self) -> Response[str]:
        return reply(200, who_is_asking(authenticate(self._services.tokens, self._header("authorization"))))

    def _organizations(self) -> Response[str]:
        self._admit(READ | UPLOAD)
        return reply(200, [organization()])

    def _projects(self, org: str) -> Response[str]:
        self._admit(READ | UPLOAD, org)
        return reply(200, projects_of(self._services.projects.list()))

    def _stats(self, org: str) -> Response[str]:
        self._admit(READ, org)
        query = self._query()
        asked, wanted = question(query), query.get("project", "-1")
        projects = self._services.projects
        found = projects.list() if wanted == "-1" else map(partial(find_project, projects), wanted.split(","))
        return reply(200, statistics(self._services.outcomes, [one.id for one in found], asked, time.time()))

    def _upload_options(self, org: str) -> Response[str]:
        self._admit(UPLOAD, org)
        return reply(200, upload_options(self._url()))

    def _take_chunks(self, org: str) -> Response[str]:
        self._admit(UPLOAD, org)
        chunks = read_chunks(self._body(), self._header("content-type"), self._header("content-encoding").lower())
        self._services.chunks.put(chunks)
        return reply(200, {})

    def _assemble(self, org: str, project: str) -> Response[str]:
        self._admit(UPLOAD, org, project)
        try:
            request = json.loads(self._body())
        except (ValueError, RecursionError) as error:
            raise BadRequestError(f"the body is not JSON: {error}") from error
        return reply(200, self._services.assemble.answer(request))

    def _debug_files(self, org: str, project: str) -> Response[str]:
        self._admit(READ, org, project)
        query = self._query()
        if file_id := query.get("id"):
            return reply(302, {}, Location=self._services.files.content_url(file_id))
        page = self._services.files.page(query, self._url())
        return reply(200, page.files, Link=page.link)

    def _upload_form(self, org: str, project: str) -> Response[str]:
        self._admit(UPLOAD, org, project)
        return reply(*self._services.form_upload.answer(self._body(), self._header("content-type")))

    def _unknown(self, org: str, project: str) -> Response[str]:
        self._admit(UPLOAD, org, project)
        return reply(200, self._services.form_upload.unknown(self._query().get("checksums", "")))

    def _associate(self, org: str, project: str) -> Response[str]:
        """Nothing: debug files are found by their ids, and belong to no release. Old clients call it after uploads."""
        self._admit(UPLOAD, org, project)
        return reply(200, {"associatedDsymFiles": []})

    def _missing(self, org: str, project: str) -> Response[str]:
        self._admit(READ, org)
        project_id = find_project(self._services.projects, project).id
        return reply(200, self._services.missing.answer(project_id, self._query()))

    def _reprocess(self, org: str, project: str) -> Response[str]:
        """Nothing: new symbols are used as soon as they are there. sentry-cli 2 calls this after each upload."""
        self._admit(UPLOAD, org, project)
        return reply(200, {})

    def _attachments(self, org: str, project: str, event_id: str) -> Response[str]:
        self._admit(READ_EVENTS, org)
        project_id = find_project(self._services.projects, project).id
        return reply(200, self._services.attachments.list(project_id, event_id))

    def _attachment(self, org: str, project: str, event_id: str, file_id: str) -> Response[str]:
        """What is known of a file, or with ``?download`` the file itself, which S3 sends."""
        self._admit(READ_EVENTS, org)
        project_id = find_project(self._services.projects, project).id
        if "download" in parse_qs(self._app.current_event.raw_query_string, keep_blank_values=True):
            location = self._services.attachments.content_url(project_id, event_id, file_id)
            return reply(302, {}, **{"Location": location, "Cache-Control": "no-store"})
        return reply(200, self._services.attachments.one(project_id, event_id, file_id))

    def _debuginfod(self, build_id: str, part: str, token: str | None = None) -> Response[str]:
        self._admit_debugger(token)
        return reply(302, {}, Location=self._services.symbol_server.debuginfod(build_id, part, head=self._is_head()))

    def _symstore(self, name: str, file_id: str, file: str, token: str | None = None) -> Response[str]:
        self._admit_debugger(token)
        return reply(302, {}, Location=self._services.symbol_server.symstore(file_id, file, head=self._is_head()))

    def _source(self, build_id: str, token: str | None = None) -> Response[bytes]:
        self._admit_debugger(token)
        path = self._app.current_event.path.partition("/source/")[2].rstrip("/")
        content = self._services.sources.content(build_id, path)
        return Response(200, content_type="application/octet-stream", body=content)

    def _is_head(self) -> bool:
        return self._app.current_event.http_method == "HEAD"

    def _admit_debugger(self, text: str | None) -> None:
        """Let a request pass with a token in its path, or else in its header: most debuggers can send no header."""
        tokens = self._services.tokens
        require(find_token(tokens, text) if text else authenticate(tokens, self._header("authorization")), FETCH)

    def _admit(self, scopes: frozenset[str], org: str | None = None, project: str | None = None) -> None:
        """Let a request pass whose token has one of ``scopes``, and whose organisation and project there are."""
        require(authenticate(self._services.tokens, self._header("authorization")), scopes)
        if org is not None:
            check_organization(org)
        if project is not None:
            find_project(self._services.projects, project)

    def _query(self) -> dict[str, str]:
        """What the query has; a name that is there more than once has its values joined by commas."""
        return {name: value for name, value in self._app.current_event.query_string_parameters.items() if value}

    def _header(self, name: str) -> str:
        return self._app.current_event.headers.get(name) or ""

    def _body(self) -> bytes:
        body = (self._app.current_event.body or "").encode()
        return base64.b64decode(body) if self._app.current_event.is_base64_encoded else body

    def _url(self) -> str:
        """The address of this request as the client wrote it, so that it holds behind a domain of one's own too."""
        scheme = self._header("x-forwarded-proto") or "https"
        return f"{scheme}://{self._header('host')}{self._app.current_event.path}"


def reply(status: int, body: Any, **headers: str) -> Response[str]:
    """A JSON answer."""
    return Response(status, content_type="application/json", body=json.dumps(body), headers=dict(headers))


def failed(error: Exception) -> Response[str]:
    """The answer when something here is broken: 503 when trying again may help, which sentry-cli then does."""
    logger.exception("request failed")
    if isinstance(error, UnavailableError):
        return reply(503, {"detail": "the store cannot be reached just now: try again"})
    code = error.code if isinstance(error, StoreError) else "internal server error"
    return reply(500, {"detail": f"{code}: see the log of the function"})
