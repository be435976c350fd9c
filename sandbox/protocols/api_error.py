"""Authentication, and OpenAI's error envelope, which Together and Tiyaro share."""

import hmac
from collections.abc import Callable

from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from sandbox import errors
from sandbox.protocols.request_body import BodyError


class RequireApiKey:
    """Send `unauthorized()` unless the header has the expected value, also for unknown paths."""

    def __init__(
        self,
        app: ASGIApp,
        value: str,
        unauthorized: Callable[[], Response],
        header: str = "authorization",
    ) -> None:
        self._app = app
        self._header, self._expected = header.encode(), value.encode()
        self._unauthorized = unauthorized

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        given = dict(scope["headers"]).get(self._header, b"")
        known = hmac.compare_digest(given, self._expected)
        await (self._app if known else self._unauthorized())(scope, receive, send)


ERROR_TYPES = {429: "rate_limit_error", 500: "server_error", 503: "server_error"}
EXTRA_HEADERS = {429: {"retry-after": "1"}}


class ApiError(Exception):
    def __init__(
        self, status: int, message: str, *, code: str | None = None, param: str | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.code = code
        self.param = param

    def response(self) -> JSONResponse:
        error = {
            "message": self.message,
            "type": ERROR_TYPES.get(self.status, "invalid_request_error"),
            "param": self.param,
            "code": self.code,
        }
        return JSONResponse({"error": error}, self.status, EXTRA_HEADERS.get(self.status))


CORE_ERRORS: dict[type[Exception], tuple[int, str | None, str]] = {
    errors.RefusedError: (400, "content_policy_violation", "The prompt breaks the content policy."),
    errors.TooManyRequestsError: (429, "rate_limit_exceeded", "Rate limit reached."),
    errors.IdempotencyKeyReusedError: (
        409,
        "idempotency_key_reused",
        "This idempotency key belongs to another request.",
    ),
    errors.UnavailableError: (503, None, "The sandbox is overloaded. Please try again later."),
    errors.UnknownJobError: (404, "not_found", "No video with this id exists."),
    errors.NotReadyError: (404, "video_not_ready", "The video is not ready, or has failed."),
}


def to_api_error(request: Request, error: Exception) -> ApiError:
    match error:
        case ApiError():
            return error
        case BodyError():
            return ApiError(400, str(error), code="invalid_body", param=error.field)
        case HTTPException():
            text = f"Unknown URL: {request.method} {request.url.path}"
            return ApiError(error.status_code, text, code="unknown_url")
        case errors.UnusableInputError():
            return ApiError(400, str(error), code="invalid_value")
        case _:
            status, code, message = CORE_ERRORS[type(error)]
            return ApiError(status, message, code=code)


async def _respond(request: Request, error: Exception) -> Response:
    return to_api_error(request, error).response()


HANDLED = (ApiError, errors.SandboxError, BodyError, HTTPException)
HANDLERS = dict.fromkeys(HANDLED, _respond)


def _unauthorized() -> Response:
    return ApiError(401, "Incorrect API key provided.", code="invalid_api_key").response()


def bearer_key(api_key: str) -> Middleware:
    return Middleware(RequireApiKey, f"Bearer {api_key}", _unauthorized)
