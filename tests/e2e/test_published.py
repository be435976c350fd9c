"""Responses and errors match the vendors' published schemas."""

from typing import Any

import httpx
import pytest

from tests.published import BIFROST, OPENAI, problems
from tests.waiting import wait_for

VIDEO = {"model": "sora-2", "prompt": "a fox", "seconds": "1", "size": "1280x720"}
ONE = "/{video_id}"


@pytest.fixture(params=[OPENAI, BIFROST])
def base(request) -> str:
    path: str = request.param
    return path


def call(client: httpx.Client, base: str, verb: str, path: str, **options: Any) -> Any:
    """Send a request, validate its response, and return the body."""
    answer = client.request(verb.partition(" ")[0].upper(), base + path, **options)
    assert problems(answer.json(), base, verb, answer.status_code) == []
    return answer.json()


def ended(client: httpx.Client, base: str, video_id: str) -> Any:
    """Wait for the final job, and validate the response of every poll."""

    def poll() -> Any:
        video = call(client, base, f"get {ONE}", f"/{video_id}")
        return video if video["status"] in ("completed", "failed") else None

    return wait_for(poll)


def test_responses_from_create_to_delete_match_published_schema(client, base):
    video = call(client, base, "post ", "", json=VIDEO)
    done = ended(client, base, video["id"])
    assert done["status"] == "completed"
    narrow = {"provider": "sandbox"} if base == BIFROST else {}
    assert call(client, base, "get ", "", params={"limit": 1, **narrow})["data"]
    remix = call(client, base, f"post {ONE}/remix", f"/{video['id']}/remix", json={"prompt": "x"})
    assert ended(client, base, remix["id"])["status"] == "completed"
    assert call(client, base, f"delete {ONE}", f"/{video['id']}")["deleted"]


@pytest.mark.parametrize("prompt", ["[fail]", "[filter]", "[refuse]"])
def test_failed_video_matches_published_schema(client, base, prompt):
    video = call(client, base, "post ", "", json={**VIDEO, "prompt": prompt})
    assert ended(client, base, video["id"])["error"]["message"]


@pytest.mark.parametrize(
    ("verb", "path", "body"),
    [
        ("post ", "", {**VIDEO, "prompt": ""}),
        ("post ", "", {**VIDEO, "model": "unknown/none"}),
        ("get ", "?limit=1000&provider=sandbox", None),
        (f"get {ONE}", "/job_unknown", None),
        (f"delete {ONE}", "/job_unknown", None),
        (f"post {ONE}/remix", "/job_unknown/remix", {"prompt": "x"}),
    ],
)
def test_errors_match_published_schema(client, base, verb, path, body):
    assert call(client, base, verb, path, json=body)["error"]["message"]
