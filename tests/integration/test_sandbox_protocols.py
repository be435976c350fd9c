"""Runway's, Google's and MiniMax's words in the sandbox: strict in what they take."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.integration.test_sandbox import KEY, running_sandbox

VERSION = {"x-runway-version": "2024-11-06"}
BEARER = {"authorization": f"Bearer {KEY}"}
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
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    with (
        running_sandbox(tmp_path_factory.mktemp("sandbox")) as (url, _),
        httpx.Client(base_url=url, timeout=30) as client,
    ):
        yield client


def said(kind: str, reply: httpx.Response) -> tuple[int, str]:
    """The status and the message of a refusal, in the protocol's own envelope."""
    body = reply.json()
    match kind:
        case "runway":
            return reply.status_code, body["error"]
        case "minimax":
            assert body["base_resp"]["status_code"] != 0
            return reply.status_code, body["base_resp"]["status_msg"]
        case _:
            assert body["error"]["code"] == reply.status_code
            return reply.status_code, body["error"]["message"]


@pytest.mark.parametrize("kind", CREATES)
def test_a_call_as_published_is_taken(kind: str, sandbox: httpx.Client):
    path, headers, body = CREATES[kind]
    reply = sandbox.post(path, headers=headers, json=body)
    assert reply.status_code == 200
    assert {"id", "name", "task_id"} & set(reply.json())


@pytest.mark.parametrize("kind", CREATES)
def test_a_field_that_is_not_published_is_refused_by_name(kind: str, sandbox: httpx.Client):
    path, headers, body = CREATES[kind]
    status, message = said(kind, sandbox.post(path, headers=headers, json={**body, "colour": 1}))
    assert (status, message) == (200 if kind == "minimax" else 400, "Unknown parameter: 'colour'.")


@pytest.mark.parametrize("kind", CREATES)
def test_without_the_key_nothing_is_told(kind: str, sandbox: httpx.Client):
    path, headers, body = CREATES[kind]
    for wrong in ({}, dict.fromkeys(headers, "Bearer wrong")):
        status, message = said(kind, sandbox.post(path, headers={**VERSION, **wrong}, json=body))
        assert (status, message) == (200 if kind == "minimax" else 401, "The key is not valid.")


@pytest.mark.parametrize("kind", CREATES)
def test_a_body_that_is_not_json_is_refused(kind: str, sandbox: httpx.Client):
    path, headers, _ = CREATES[kind]
    typed = {**headers, "content-type": "application/json"}
    assert said(kind, sandbox.post(path, headers=typed, content=b"{"))[1].startswith("This is not")


def test_runway_wants_its_version(sandbox: httpx.Client):
    path, _, body = CREATES["runway"]
    reply = sandbox.post(path, headers=BEARER, json=body)
    assert reply.status_code == 400
    assert "X-Runway-Version" in reply.json()["error"]


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        ("/runway/v1/tasks/nobody", {**BEARER, **VERSION}),
        ("/gemini/v1beta/models/sandbox-1/operations/nobody", {"x-goog-api-key": KEY}),
        ("/gemini/v1beta/files/nobody:download", {"x-goog-api-key": KEY}),
        ("/runway/outputs/nobody.mp4", {}),
    ],
)
def test_what_is_not_there_is_not_found(path: str, headers: dict[str, str], sandbox: httpx.Client):
    assert sandbox.get(path, headers=headers).status_code == 404


def test_a_deleted_runway_task_is_gone(sandbox: httpx.Client):
    path, headers, body = CREATES["runway"]
    task = f"/runway/v1/tasks/{sandbox.post(path, headers=headers, json=body).json()['id']}"
    assert sandbox.get(task, headers=headers).status_code == 200
    assert sandbox.delete(task, headers=headers).status_code == 204
    assert sandbox.get(task, headers=headers).status_code == 404
