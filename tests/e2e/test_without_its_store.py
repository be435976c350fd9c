"""The api function without permissions on table or bucket returns 503 without details.

A missing table has the same effect on clients.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

import httpx
import pytest

from local.api_clients import API_CLIENTS, ApiClientError, auth_headers
from local.stack import Stack
from tests.e2e.test_permissions import without

PARAMS = {"prompt": "a fox", "seconds": 1, "width": 128, "height": 72}
IMAGE = (
    "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR4nGP4"
    "z8DwHwAFAAH/iZk9HQAAAABJRU5ErkJggg=="
)
CODE_PATHS: dict[str, tuple[str, ...]] = {
    "OpenAI": ("error", "code"),
    "Bifrost": ("error", "code"),
    "Together": ("error", "code"),
    "Tiyaro": ("code",),
}
"""Path of the error code, in dialects that have codes; the queues return only a text."""
INTERNALS = (
    "Traceback",
    "AccessDenied",
    "dynamodb",
    "DynamoDB",
    "arn:",
    "boto",
    "PutObject",
    "Error(",
)


@contextmanager
def recording_client(stack: Stack, dialect: str, answers: list[httpx.Response]) -> Iterator[Any]:
    """Yield the dialect's client, and append its responses to `answers`."""

    def record(answer: httpx.Response) -> None:
        answer.read()
        answers.append(answer)

    headers = auth_headers(dialect, stack.environment()["RUSHES_API_KEY"])
    with httpx.Client(
        base_url=stack.url, headers=headers, timeout=120, event_hooks={"response": [record]}
    ) as http:
        yield API_CLIENTS[dialect](http)


def assert_unavailable(dialect: str, answer: httpx.Response) -> None:
    assert answer.status_code == 503, answer.text
    assert not [text for text in INTERNALS if text in answer.text]
    body = answer.json()
    if dialect not in CODE_PATHS:
        assert list(body) == (["detail", "error_type"] if dialect == "fal" else ["detail"])
        return
    for name in CODE_PATHS[dialect]:
        body = body[name]
    assert body == "service_unavailable"


@pytest.mark.parametrize("action", ["dynamodb:PutItem", "dynamodb:Query"])
def test_every_dialect_returns_503_without_table_permission(stack, aws, action):
    with without(aws, "ApiFunctionRole", action):
        for dialect in API_CLIENTS:
            answers: list[httpx.Response] = []
            with recording_client(stack, dialect, answers) as api, pytest.raises(ApiClientError):
                api.poll(api.create("sandbox/sandbox-1", PARAMS))
            assert_unavailable(dialect, answers[-1])


def test_create_with_file_returns_503_and_no_job_without_bucket_permission(client, aws):
    prompt = f"a fox {uuid4()}"
    body = {"model": "sandbox/sandbox-1", "prompt": prompt, "seconds": "1", "size": "128x72"}
    with without(aws, "ApiFunctionRole", "s3:PutObject"):
        answer = client.post("/openai/v1/videos", json={**body, "input_reference": IMAGE})
    assert_unavailable("OpenAI", answer)
    listed = client.get("/openai/v1/videos?limit=5").json()["data"]
    assert prompt not in {video["prompt"] for video in listed}
    accepted = client.post("/openai/v1/videos", json={**body, "input_reference": IMAGE})
    assert accepted.status_code == 200, accepted.text
