"""A web page of another site cannot use the local servers through the developer's browser."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from local.stack import Stack
from local.webhook_receiver import webhook_receiver
from tests.integration.sandbox_client import BEARER

FOREIGN = {
    "Origin": {"origin": "https://evil.example"},
    "opaque Origin": {"origin": "null"},
    "Sec-Fetch-Site": {"sec-fetch-site": "cross-site"},
    "Host": {"host": "evil.example"},
    "Host with the port": {"host": "evil.example:8787"},
}
each_foreign = pytest.mark.parametrize("headers", FOREIGN.values(), ids=FOREIGN)
ADMIN_PATHS = (
    *("/_ministack/reset", "/_ministack/config", "/_ministack/ready", "/_ministack/sqs/messages"),
    *("/_ministack/ses/messages", "/_localstack/health", "/_localstack/state/reset", "/_local/x"),
    *("/_ministack/lambda-code/x", "/_aws/execute-api/x/y", "/_aws/lambda-url/x", "/_alb/x", "/_"),
    *("//_ministack/reset", "/%5fministack/reset", "/./_ministack/reset", "/x/../_ministack/reset"),
)


def send(url: str, headers: dict[str, str], method: str = "POST") -> int:
    return httpx.request(method, url, headers=headers, timeout=120, trust_env=False).status_code


@each_foreign
@pytest.mark.parametrize("path", ["/_local/save", "/_ministack/reset", "/health", "/", "/bucket/x"])
@pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS", "PUT"])
def test_engine_refuses_foreign_pages(
    stack: Stack, headers: dict[str, str], path: str, method: str
):
    assert send(f"{stack.engine_url}{path}", headers, method) == 403


@pytest.mark.parametrize("path", ADMIN_PATHS)
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE"])
def test_engine_has_no_administrative_path_without_credentials(
    stack: Stack, aws: Callable[[str], Any], path: str, method: str
):
    """Also not for a program of this machine, which sends no Origin."""
    assert send(f"{stack.engine_url}{path}", {}, method) in (400, 403, 404, 405)
    tables = aws("dynamodb").list_tables()["TableNames"]
    assert stack.outputs["TableName"] in tables


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_engine_saves_on_post_only(stack: Stack, method: str):
    assert send(f"{stack.engine_url}/_local/save", {}, method) == 403


def test_engine_answers_its_health_check(stack: Stack):
    assert send(f"{stack.engine_url}/_ministack/health", {}, "GET") == 200


@each_foreign
def test_api_refuses_foreign_pages(stack: Stack, headers: dict[str, str]):
    key = {"authorization": f"Bearer {stack.environment()['RUSHES_API_KEY']}"}
    assert send(f"{stack.url}/openai/v1/videos", {**key, **headers}, "GET") == 403
    assert send(f"{stack.url}/openai/v1/videos", key, "GET") == 200


@each_foreign
@pytest.mark.parametrize("path", ["/_reset", "/_request_log", "/health", "/v1/videos"])
def test_sandbox_refuses_foreign_pages(sandbox_url: str, headers: dict[str, str], path: str):
    assert send(f"{sandbox_url}{path}", {**BEARER, **headers}) == 403
    assert send(f"{sandbox_url}{path}", {**BEARER, **headers}, "GET") == 403


@each_foreign
def test_webhook_receiver_refuses_foreign_pages(headers: dict[str, str]):
    with webhook_receiver() as receiver:
        url = f"{receiver.url}/hook"
        assert httpx.post(url, content=b"{}", headers=headers).status_code == 403
        assert receiver.messages == []
        assert httpx.post(url, content=b"{}").status_code == 204
        assert [message.body for message in receiver.messages] == [b"{}"]


def test_preflight_without_cors_reaches_the_function(stack: Stack):
    """As on AWS: `CorsAllowOrigins` is empty, and `$default` matches OPTIONS."""
    headers = {"origin": "http://127.0.0.1:3000", "access-control-request-method": "POST"}
    reply = httpx.options(f"{stack.url}/v1/videos", headers=headers, timeout=120, trust_env=False)
    assert (reply.status_code, reply.headers["allow"]) == (405, "GET, HEAD, POST")
    assert not [name for name in reply.headers if name.startswith("access-control-")]
