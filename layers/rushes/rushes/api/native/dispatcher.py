"""Answer requests of the native API: match, authenticate, authorize, validate, run, serialize."""

from collections.abc import Iterable
from dataclasses import replace
from functools import cached_property

from aws_lambda_powertools import Logger
from pydantic import BaseModel

from rushes.api.auth import Authenticator
from rushes.api.log_events import UNEXPECTED_ERROR
from rushes.api.native.problems import problem_response
from rushes.api.native.query import read_query
from rushes.api.native.resource import Call, Result, Route
from rushes.api.native.routing import Match, Router
from rushes.api.native.services import NativeServices
from rushes.api.permissions import require_scope
from rushes.api.request_log import RequestLog
from rushes.api.unknown_url import redacted
from rushes.dialects.api_key import read_key
from rushes.dialects.base import HttpRequest, HttpResponse
from rushes.dialects.json_format import as_json
from rushes.dialects.request_body import parse_json_body
from rushes.dialects.response_headers import NO_STORE_HEADERS
from rushes.dialects.validation import validate
from rushes.errors import RushesError, ServerError

API = "native"
"""Name in logs and metrics."""

logger = Logger(service="rushes", child=True)


class NativeApi:
    def __init__(
        self, routes: Iterable[Route], services: NativeServices, authenticator: Authenticator
    ) -> None:
        self._routes = routes
        self._services = services
        self._authenticator = authenticator

    @cached_property
    def _router(self) -> Router:
        return Router(self._routes)

    def answer(self, request: HttpRequest) -> HttpResponse:
        """Handle a request; every exception becomes a problem."""
        try:
            match = self._router.match(request.method, request.path)
        except RushesError as error:
            return redacted(_problem(error, RequestLog(request)))
        log = RequestLog(replace(request, variables=match.variables))
        try:
            response = self._run(match, log)
        except RushesError as error:
            response = redacted(_problem(error, log))
        except Exception:
            logger.exception(UNEXPECTED_ERROR, **log.ids(), dialect=API, verb=match.route.name)
            response = problem_response(ServerError("internal error"), request.request_id)
        if match.route.creates_job and (identity := log.identity):
            create_job = self._services.jobs.create_job
            limits = create_job.rate_headers(identity.account, identity.limits_id)
            response = replace(response, headers={**limits, **response.headers})
        log.completed(response, API, match.route.name)
        return response

    def _run(self, match: Match, log: RequestLog) -> HttpResponse:
        route, request = match.route, log.request
        log.identity = self._authenticator.identify(request, read_key)
        require_scope(log.identity.scopes, route.scope)
        call: Call[BaseModel, BaseModel] = Call(
            identity=log.identity,
            request=request,
            variables=match.variables,
            query=read_query(request, route.query),
            body=_read_body(route, request),
            log=log,
        )
        response = _serialize(route, route.handler(self._services, call))
        return response if route.has_secret else redacted(response)


def _read_body(route: Route, request: HttpRequest) -> BaseModel:
    """Validate the body; GET, HEAD and DELETE have none, as proxies may drop it."""
    if request.method in ("GET", "HEAD"):
        return route.body.model_construct()
    fields = parse_json_body(request.headers, request.body) if request.body.strip() else {}
    return validate(route.body, fields)


def _serialize(route: Route, result: Result) -> HttpResponse:
    if isinstance(result, HttpResponse):
        return result
    body = result.model_dump_json() if isinstance(result, BaseModel) else as_json(result)
    return HttpResponse(route.status, body, NO_STORE_HEADERS)


def _problem(error: RushesError, log: RequestLog) -> HttpResponse:
    return problem_response(log.public(error), log.request.request_id)
