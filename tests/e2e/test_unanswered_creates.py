"""Create calls without an answer, at providers that can be asked about them in different ways.

The upstream's ledger tells what was made.
"""

import time
from typing import Any
from uuid import uuid4

import httpx
import pytest

from local.stack import Stack

MODELS = {
    "none": "sandbox/sandbox-1",
    "key": "sandbox-key/sandbox-1",
    "lookup": "sandbox-lookup/sandbox-1",
}
SMALL = {"seconds": "1", "size": "128x72"}


def handed_in(client: httpx.Client, capability: str, directive: str) -> tuple[str, str]:
    """The job's id, and its prompt, by which the upstream knows it."""
    prompt = f"a fox {uuid4()} {directive}"
    answer = client.post(
        "/openai/v1/videos", json={**SMALL, "model": MODELS[capability], "prompt": prompt}
    )
    assert answer.status_code == 200, answer.text
    return answer.json()["id"], prompt


def ended(client: httpx.Client, job_id: str, seconds: float = 120) -> dict[str, Any]:
    deadline = time.monotonic() + seconds
    while True:
        video: dict[str, Any] = client.get(f"/openai/v1/videos/{job_id}").json()
        if video["status"] in ("completed", "failed"):
            return video
        assert time.monotonic() < deadline, video
        time.sleep(0.3)


def made(stack: Stack, prompt: str) -> list[dict[str, Any]]:
    """What the upstream has made of that prompt, and would send a bill for."""
    request_log = httpx.get(f"{stack.sandbox_url}/_ledger").json()
    return [it for it in request_log["creates"] if it["prompt"] == prompt and it["accepted"]]


@pytest.mark.parametrize("directive", ["[made-500=1]", "[made-reset=1]", "[made-cut=1]"])
@pytest.mark.parametrize("capability", MODELS)
def test_a_film_is_made_once_and_its_job_says_what_is_known_of_it(
    client, stack, capability, directive
):
    job_id, prompt = handed_in(client, capability, directive)
    video = ended(client, job_id)
    if capability == "none":
        assert video["error"]["code"] == "upstream_outcome_unknown"
    else:
        assert video["status"] == "completed", video["error"]
    assert len(made(stack, prompt)) == 1


def test_who_hangs_until_we_hang_up_has_made_one_film_all_the_same(client, stack):
    unknown, lost = handed_in(client, "none", "[hang-create=60]")
    job_id, found = handed_in(client, "key", "[hang-create=60]")
    assert ended(client, job_id, 200)["status"] == "completed"
    assert ended(client, unknown, 200)["error"]["code"] == "upstream_outcome_unknown"
    assert [len(made(stack, prompt)) for prompt in (lost, found)] == [1, 1]
    assert [it["replays"] for it in made(stack, lost)] == [0]
    assert made(stack, found)[0]["replays"] >= 1


@pytest.mark.parametrize("directive", ["[500=1]", "[503=1]"])
@pytest.mark.parametrize("capability", ["none", "key"])
def test_an_error_that_made_nothing_looks_the_same_and_is_treated_so(
    client, stack, capability, directive
):
    """A gateway's 5xx proves nothing: without a key to ask by, nothing is tried again.

    Where there is a list, its silence is believed after a quarter of an hour: unit/workflow.
    """
    job_id, prompt = handed_in(client, capability, directive)
    video = ended(client, job_id)
    if capability == "none":
        assert video["error"]["code"] == "upstream_outcome_unknown"
        assert made(stack, prompt) == []
    else:
        assert video["status"] == "completed", video["error"]
        assert len(made(stack, prompt)) == 1


@pytest.mark.parametrize("capability", MODELS)
def test_a_provider_that_asks_for_patience_gets_it(client, stack, capability):
    """A 429 says that nothing was made, whoever says it."""
    job_id, prompt = handed_in(client, capability, "[429=2]")
    assert ended(client, job_id)["status"] == "completed"
    assert len(made(stack, prompt)) == 1
