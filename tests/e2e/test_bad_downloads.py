"""Outputs that cannot be fetched at first: a fresh look brings them, whole."""

from uuid import uuid4

import httpx
import pytest

from local.stack import Stack
from local.video_probe import measure
from tests.e2e.test_unanswered_creates import ended

CASES = {
    "a link that has expired": ("sandbox-together/sandbox-1", "[expired=2]"),
    "a link without a key that has expired": ("sandbox-fal/film/standard", "[expired=2]"),
    "an end half-way, gone on with": ("sandbox/sandbox-1", "[drop=2]"),
    "an end half-way, and no ranges": ("sandbox/sandbox-1", "[drop=2] [no-range]"),
    "a slow film": ("sandbox/sandbox-1", "[drip=6]"),
}


@pytest.mark.parametrize("case", CASES)
def test_a_film_that_is_fetched_in_the_end_is_whole(client, stack: Stack, tmp_path, case):
    model, directive = CASES[case]
    prompt = f"a fox {uuid4()} {directive}"
    size = {} if model.startswith("sandbox-fal") else {"size": "128x72"}
    answer = client.post(
        "/openai/v1/videos", json={"model": model, "prompt": prompt, "seconds": "1", **size}
    )
    assert answer.status_code == 200, answer.text
    job_id = answer.json()["id"]
    assert ended(client, job_id)["status"] == "completed"
    link = client.get(f"/openai/v1/videos/{job_id}/content").headers["location"]
    film = tmp_path / "film.mp4"
    film.write_bytes(httpx.get(link).content)
    assert measure(film).seconds == 1.0
    request_log = httpx.get(f"{stack.sandbox_url}/_ledger").json()
    assert len([it for it in request_log["creates"] if it["prompt"] == prompt]) == 1
