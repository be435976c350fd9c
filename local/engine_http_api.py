"""Corrections of API Gateway's HTTP APIs, and their own port: limits, errors, CORS, cookies."""
# ruff: noqa: ANN001, SLF001 - patches replace private functions of untyped code

import asyncio
import inspect
import json
import time
from collections.abc import Callable
from urllib.parse import parse_qs

from ministack import app as engine
from ministack.services import apigateway, lambda_svc

from local.engine_source import replaced
from local.gateway_limits import (
    BODY_BYTES,
    HEADER_BYTES,
    INVOKE_BYTES,
    TIMEOUT_SECONDS,
    TokenBucket,
    head_size,
    json_size,
    split_cookies,
)
from sandbox.request_origin import joined_headers

Response = tuple[int, dict[str, str], bytes]
TOO_LONG = "__too_long__"
throttles: dict[str, TokenBucket] = {}
"""By API id."""


def enable() -> None:
    hide_function_errors()
    correct_events()
    read_cors_of_templates()
    route_preflight_without_cors()


def error_response(status: int, text: str) -> Response:
    body = json.dumps({"message": text}, separators=(",", ":"))
    return status, {"Content-Type": "application/json"}, body.encode()


def hide_function_errors() -> None:
    """Return 500 without details for a failed function, as AWS does; ministack adds its error."""
    convert = lambda_svc.lambda_execute_result_to_api_proxy_response

    def to_response(outcome: dict) -> tuple[dict | None, str | None]:
        if not outcome.get("error") or outcome.get("throttle"):
            return convert(outcome)
        too_long = outcome.get(TOO_LONG)
        status, text = (413, "Request Too Long") if too_long else (500, "Internal Server Error")
        status, headers, body = error_response(status, text)
        return {"statusCode": status, "headers": headers, "body": body.decode()}, None

    lambda_svc.lambda_execute_result_to_api_proxy_response = to_response


def correct_events() -> None:
    """Refuse an event above Lambda's 6 MB, and move cookies out of the headers.

    A binary body is base64 in the event: bodies above about 4.5 MB are refused, as on AWS.
    """
    execute = lambda_svc._execute_function_with_config_scope

    def execute_as_gateway(function: dict, event) -> dict:
        if isinstance(event, dict) and event.get("version") == "2.0" and "routeKey" in event:
            move_cookies(event)
            if json_size(event) > INVOKE_BYTES:
                return {"body": {}, "error": True, TOO_LONG: True}
        return execute(function, event)

    lambda_svc._execute_function_with_config_scope = execute_as_gateway


def move_cookies(event: dict) -> None:
    """Move the cookies into a member of the event (payload format 2.0)."""
    if cookie := event["headers"].pop("cookie", None):
        event["cookies"] = split_cookies(cookie)


def read_cors_of_templates() -> None:
    """Read the names of a template's CorsConfiguration; ministack knows those of the API only."""
    for name in ("_cors_response_headers", "_cors_preflight_response"):
        setattr(apigateway, name, with_names_of_api(getattr(apigateway, name)))


def with_names_of_api(answer: Callable) -> Callable:
    def to_answer(cors: dict, origin: str) -> object:
        return answer({key[0].lower() + key[1:]: value for key, value in cors.items()}, origin)

    return to_answer


def route_preflight_without_cors() -> None:
    """Route OPTIONS as any method if the API has no CorsConfiguration; ministack answers 403."""
    source = inspect.getsource(apigateway._handle_execute_in_scope)
    source = replaced(source, 'if method == "OPTIONS":', 'if method == "OPTIONS" and cors_cfg:')
    exec(compile(source, apigateway.__file__, "exec"), vars(apigateway))  # noqa: S102 - the engine's own code


async def serve(scope: dict, receive, send) -> None:
    """Serve only the HTTP API, at the root of its own port."""
    if scope["type"] == "websocket":
        await send({"type": "websocket.close"})
        return
    try:
        body = await read_body(receive)
    except ConnectionAbortedError:
        return
    if head_size(scope) > HEADER_BYTES:  # AWS documents the limit, RFC 6585 the status
        response = error_response(431, "Request Header Fields Too Large")
    elif body is None:
        response = error_response(413, "Request Entity Too Large")
    else:
        response = await invoke(scope, body)
    await engine._send_response(send, *response)


async def read_body(receive) -> bytes | None:
    """Return the body, or None above API Gateway's limit.

    A larger body is read to its end: a client that is still sending would miss the response.
    """
    body, size, more = bytearray(), 0, True
    while more:
        part = await receive()
        if part["type"] == "http.disconnect":
            raise ConnectionAbortedError
        size += len(part.get("body", b""))
        if size <= BODY_BYTES:
            body += part.get("body", b"")
        more = part.get("more_body", False)
    return bytes(body) if size <= BODY_BYTES else None


async def invoke(scope: dict, body: bytes) -> Response:
    api_id = next((key[-1] for key, _ in apigateway._apis.all_items()), None)
    if api_id is None:
        return error_response(503, "Service Unavailable")
    if not is_admitted(api_id, apigateway.stages_for_api(api_id)):
        return error_response(429, "Too Many Requests")
    query = scope["query_string"].decode("latin-1")
    call = asyncio.ensure_future(
        apigateway.handle_execute(
            api_id,
            "$default",
            apigateway.decode_http_api_path(scope["raw_path"].decode("latin-1")),
            scope["method"],
            joined_headers(scope["headers"]),
            body,
            parse_qs(query, keep_blank_values=True),
            raw_query_string=query,
        )
    )
    done, _ = await asyncio.wait({call}, timeout=TIMEOUT_SECONDS)
    # As on AWS, the function continues until its own timeout.
    return call.result() if done else error_response(503, "Service Unavailable")


def is_admitted(api_id: str, stages: dict) -> bool:
    """Apply the throttle of the stage's DefaultRouteSettings; ministack ignores it."""
    settings = (stages.get("$default") or {}).get("defaultRouteSettings") or {}
    given = {name[0].lower() + name[1:]: value for name, value in settings.items()}
    rate, burst = given.get("throttlingRateLimit"), given.get("throttlingBurstLimit")
    if rate is None or burst is None:
        return True
    limits = (float(rate), float(burst))
    bucket = throttles.get(api_id)
    if bucket is None or bucket.limits != limits:
        bucket = throttles[api_id] = TokenBucket(*limits, time.monotonic)
    return bucket.take()
