"""The sandbox's Runway, Google and MiniMax protocols: strict requests, own error formats."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.integration.sandbox_client import BEARER, KEY

VERSION = {"x-runway-version": "2024-11-06"}
CREATES: dict[str, tuple[str, dict[str, str], dict[str, Any]]] = {
    "runway": (
        "/runway/v1/text_to_video",
        {**BEARER, **VERSION},
        {"model": "sandbox-1", "promptText": "a fox", "ratio": "128:72", "duration": 1},
    ),
    "gemini": (
        "/gemini/v1beta/models/sandbox-1:predictLongRunning",
        {"x-goog-api-key": KEY},
        {"instances": [{"prompt": "a fox"}], "parameters": {"resolution": "72p"}},
    ),
    "vertex": (
        "/vertex/models/sandbox-1:predictLongRunning",
        BEARER,
        {"instances": [{"prompt": "a fox"}], "parameters": {"resolution": "72p"}},
    ),
    "minimax": (
        "/minimax/v1/video_generation",
        BEARER,
        {"model": "sandbox-1", "prompt": "a fox", "duration": 1, "resolution": "72P"},
    ),
}


@pytest.fixture(scope="module")
def sandbox(sandbox_url: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=sandbox_url, timeout=60) as client:
        yield client


def error_of(protocol: str, reply: httpx.Response) -> tuple[int, str]:
    """Return status and message from the protocol's error envelope."""
    body = reply.json()
    match protocol:
        case "runway":
            return reply.status_code, body["error"]
        case "minimax":
            assert body["base_resp"]["status_code"] != 0
            return reply.status_code, body["base_resp"]["status_msg"]
        case _:
            assert body["error"]["code"] == reply.status_code
            return reply.status_code, body["error"]["message"]


@pytest.mark.parametrize("protocol", CREATES)
def test_create_accepts_published_fields(protocol: str, sandbox: httpx.Client):
    path, headers, body = CREATES[protocol]
    reply = sandbox.post(path, headers=headers, json=body)
    assert reply.status_code == 200
    assert {"id", "name", "task_id"} & set(reply.json())


@pytest.mark.parametrize("protocol", CREATES)
def test_create_refuses_unknown_field_by_name(protocol: str, sandbox: httpx.Client):
    path, headers, body = CREATES[protocol]
    reply = sandbox.post(path, headers=headers, json={**body, "colour": 1})
    status = 200 if protocol == "minimax" else 400
    assert error_of(protocol, reply) == (status, "Unknown parameter: 'colour'.")


@pytest.mark.parametrize("protocol", CREATES)
def test_create_without_valid_key_is_unauthorized(protocol: str, sandbox: httpx.Client):
    path, headers, body = CREATES[protocol]
    for wrong in ({}, dict.fromkeys(headers, "Bearer wrong")):
        reply = sandbox.post(path, headers={**VERSION, **wrong}, json=body)
        status = 200 if protocol == "minimax" else 401
        assert error_of(protocol, reply) == (status, "The key is not valid.")


@pytest.mark.parametrize("protocol", CREATES)
def test_create_refuses_invalid_json(protocol: str, sandbox: httpx.Client):
    path, headers, _ = CREATES[protocol]
    typed = {**headers, "content-type": "application/json"}
    reply = sandbox.post(path, headers=typed, content=b"{")
    assert error_of(protocol, reply)[1].startswith("This is not")


def test_runway_requires_version_header(sandbox: httpx.Client):
    path, _, body = CREATES["runway"]
    reply = sandbox.post(path, headers=BEARER, json=body)
    assert reply.status_code == 400
    assert "X-Runway-Version" in reply.json()["error"]


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        ("/runway/v1/tasks/unknown", {**BEARER, **VERSION}),
        ("/gemini/v1beta/models/sandbox-1/operations/unknown", {"x-goog-api-key": KEY}),
        ("/gemini/v1beta/files/unknown:download", {"x-goog-api-key": KEY}),
        ("/runway/outputs/unknown.mp4", {}),
    ],
)
def test_unknown_job_returns_404(path: str, headers: dict[str, str], sandbox: httpx.Client):
    assert sandbox.get(path, headers=headers).status_code == 404


def test_deleted_runway_task_returns_404(sandbox: httpx.Client):
    path, headers, body = CREATES["runway"]
    task = f"/runway/v1/tasks/{sandbox.post(path, headers=headers, json=body).json()['id']}"
    assert sandbox.get(task, headers=headers).status_code == 200
    assert sandbox.delete(task, headers=headers).status_code == 204
    assert sandbox.get(task, headers=headers).status_code == 404
