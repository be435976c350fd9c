"""Refusals in the queues' words: `detail` is a text, or a list of fields at fault."""

import hmac
import json

from pydantic import ValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from sandbox import errors
from sandbox.forms import BodyError
from sandbox.job import Failure

FILTERED = "The content was flagged by a content checker."
SPOKEN_ERRORS: dict[type[Exception], tuple[int, str]] = {
    errors.TooManyRequestsError: (429, "Rate limit reached."),
    errors.UnavailableError: (503, "The sandbox is overloaded. Please try again later."),
    errors.UnknownJobError: (404, "Request not found."),
    errors.NotReadyError: (400, "Request is still in progress"),
    errors.UnusableInputError: (422, ""),
}


def refusal(status: int, detail: object, kind: str | None = None) -> JSONResponse:
    headers = {"x-fal-error-type": kind} if kind else {}
    if status == 429:
        headers["retry-after"] = "1"
    return JSONResponse({"detail": detail}, status, headers)


def filtered() -> JSONResponse:
    fault = {
        "loc": ["body", "prompt"],
        "msg": FILTERED,
        "type": "content_policy_violation",
    }
    return refusal(422, [fault], "content_policy_violation")


def failed(failure: Failure) -> JSONResponse:
    if failure.code == "content_filter":
        return filtered()
    return refusal(500, failure.message, failure.code)


async def write_sandbox_error(_: Request, error: Exception) -> Response:
    if isinstance(error, errors.RefusedError):
        return filtered()
    status, text = SPOKEN_ERRORS[type(error)]
    return refusal(status, text or str(error))


async def say_body_error(_: Request, error: Exception) -> Response:
    return refusal(400, str(error))


async def say_validation_error(_: Request, error: Exception) -> Response:
    if not isinstance(error, ValidationError):
        raise error
    faults = json.loads(error.json(include_url=False, include_context=False))
    return refusal(422, [{**fault, "loc": ["body", *fault["loc"]]} for fault in faults])


async def say_http_error(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    return refusal(status, f"{request.method} {request.url.path} is not served here.")


HANDLERS = {
    errors.SandboxError: write_sandbox_error,
    BodyError: say_body_error,
    ValidationError: say_validation_error,
    HTTPException: say_http_error,
}


class KeyCheck:
    """Every path below needs the key, in the scheme of its protocol."""

    def __init__(self, app: ASGIApp, expected: str) -> None:
        self._app = app
        self._expected = expected.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        given = dict(scope["headers"]).get(b"authorization", b"")
        known = hmac.compare_digest(given, self._expected)
        app = self._app if known else refusal(401, "No user found for this key.")
        await app(scope, receive, send)
