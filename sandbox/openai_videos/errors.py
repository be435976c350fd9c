"""The error envelope, the key, and how what the sandbox refuses is said in this API."""

import hmac

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from sandbox import errors
from sandbox.forms import BodyError

ERROR_TYPES = {429: "rate_limit_error", 500: "server_error", 503: "server_error"}
EXTRA_HEADERS = {429: {"retry-after": "1"}}


class ApiError(Exception):
    """A refusal in the words of the OpenAI API."""

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


SPOKEN_ERRORS: dict[type[Exception], tuple[int, str | None, str]] = {
    errors.RefusedError: (400, "content_policy_violation", "The prompt breaks the content policy."),
    errors.TooManyRequestsError: (429, "rate_limit_exceeded", "Rate limit reached."),
    errors.ReusedKeyError: (
        409,
        "idempotency_key_reused",
        "This idempotency key belongs to another request.",
    ),
    errors.UnavailableError: (503, None, "The sandbox is overloaded. Please try again later."),
    errors.UnknownJobError: (404, "not_found", "No video with this id exists."),
    errors.NotReadyError: (404, "video_not_ready", "The video is not ready, or has failed."),
}


async def say_api_error(_: Request, error: Exception) -> Response:
    if not isinstance(error, ApiError):
        raise error
    return error.response()


async def write_sandbox_error(_: Request, error: Exception) -> Response:
    status, code, message = SPOKEN_ERRORS[type(error)]
    return ApiError(status, message, code=code).response()


async def say_body_error(_: Request, error: Exception) -> Response:
    param = error.field if isinstance(error, BodyError) else None
    return ApiError(400, str(error), code="invalid_body", param=param).response()


async def say_http_error(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    text = f"{request.method} {request.url.path} is not served here."
    return ApiError(status, text, code="unknown_url").response()


async def say_wrong_key(scope: Scope, receive: Receive, send: Send) -> None:
    error = ApiError(401, "Incorrect API key provided.", code="invalid_api_key")
    await error.response()(scope, receive, send)


HANDLERS = {
    ApiError: say_api_error,
    errors.SandboxError: write_sandbox_error,
    BodyError: say_body_error,
    HTTPException: say_http_error,
}


class BearerKey:
    """Every path below needs the key, also those that do not exist."""

    def __init__(self, app: ASGIApp, api_key: str) -> None:
        self._app = app
        self._expected = f"Bearer {api_key}".encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        given = dict(scope["headers"]).get(b"authorization", b"")
        app = self._app if hmac.compare_digest(given, self._expected) else say_wrong_key
        await app(scope, receive, send)
