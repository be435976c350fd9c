"""What comes over the wire is what the vendors have published, in success and in failure."""

import time
from typing import Any

import httpx
import pytest

from tests.published import BIFROST, OPENAI, problems

FILM = {"model": "sora-2", "prompt": "a fox", "seconds": "1", "size": "1280x720"}
ONE = "/{video_id}"


@pytest.fixture(params=[OPENAI, BIFROST])
def base(request) -> str:
    path: str = request.param
    return path


def asked(client: httpx.Client, base: str, verb: str, path: str, **options: Any) -> Any:
    """The answer's body, once it has been found to be as published."""
    answer = client.request(verb.partition(" ")[0].upper(), base + path, **options)
    assert problems(answer.json(), base, verb, answer.status_code) == []
    return answer.json()


def ended(client: httpx.Client, base: str, video_id: str) -> Any:
    """The job at its end; every look at it on the way is judged as well."""
    deadline = time.monotonic() + 90
    while time.monotonic() < deadline:
        video = asked(client, base, f"get {ONE}", f"/{video_id}")
        if video["status"] in ("completed", "failed"):
            return video
        time.sleep(0.3)
    raise AssertionError("it did not end")


def test_a_films_whole_life(client, base):
    video = asked(client, base, "post ", "", json=FILM)
    done = ended(client, base, video["id"])
    assert done["status"] == "completed"
    narrow = {"provider": "sandbox"} if base == BIFROST else {}
    assert asked(client, base, "get ", "", params={"limit": 1, **narrow})["data"]
    remix = asked(client, base, f"post {ONE}/remix", f"/{video['id']}/remix", json={"prompt": "x"})
    assert ended(client, base, remix["id"])["status"] == "completed"
    assert asked(client, base, f"delete {ONE}", f"/{video['id']}")["deleted"]


@pytest.mark.parametrize("prompt", ["[fail]", "[filter]", "[refuse]"])
def test_a_film_that_fails(client, base, prompt):
    video = asked(client, base, "post ", "", json={**FILM, "prompt": prompt})
    assert ended(client, base, video["id"])["error"]["message"]


@pytest.mark.parametrize(
    ("verb", "path", "body"),
    [
        ("post ", "", {**FILM, "prompt": ""}),
        ("post ", "", {**FILM, "model": "nobody/none"}),
        ("get ", "?limit=1000&provider=sandbox", None),
        (f"get {ONE}", "/job_of_nobody", None),
        (f"delete {ONE}", "/job_of_nobody", None),
        (f"post {ONE}/remix", "/job_of_nobody/remix", {"prompt": "x"}),
    ],
)
def test_refusals(client, base, verb, path, body):
    assert asked(client, base, verb, path, json=body)["error"]["message"]
