"""Refusals in this API's words: a title, a detail and the status once more."""

from pydantic import ValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from sandbox import errors
from sandbox.forms import BodyError

FLAGGED = "The input or output was flagged as sensitive. Please try again. (E005)"
SPOKEN_ERRORS: dict[type[Exception], tuple[int, str]] = {
    errors.RefusedError: (422, "The input was flagged as sensitive."),
    errors.TooManyRequestsError: (429, "Request was throttled. Expected available in 1 second."),
    errors.UnavailableError: (503, "The sandbox is overloaded. Please try again later."),
    errors.UnknownJobError: (404, "The requested resource could not be found."),
    errors.UnusableInputError: (422, ""),
}
TITLES = {404: "Not found", 422: "Input validation failed", 429: "Too many requests"}


def refusal(status: int, detail: str) -> JSONResponse:
    title = TITLES.get(status, "The request failed")
    headers = {"retry-after": "1"} if status == 429 else None
    body = {"title": title, "detail": detail, "status": status}
    return JSONResponse(body, status, headers, media_type="application/problem+json")


async def write_sandbox_error(_: Request, error: Exception) -> Response:
    status, text = SPOKEN_ERRORS[type(error)]
    return refusal(status, text or str(error))


async def say_body_error(_: Request, error: Exception) -> Response:
    return refusal(400, str(error))


async def say_validation_error(_: Request, error: Exception) -> Response:
    if not isinstance(error, ValidationError):
        raise error
    places = [(".".join(map(str, fault["loc"])), fault["msg"]) for fault in error.errors()]
    return refusal(422, "\n".join(f"- {place}: {message}" for place, message in places))


async def say_http_error(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    return refusal(status, f"{request.method} {request.url.path} is not served here.")


HANDLERS = {
    errors.SandboxError: write_sandbox_error,
    BodyError: say_body_error,
    ValidationError: say_validation_error,
    HTTPException: say_http_error,
}
