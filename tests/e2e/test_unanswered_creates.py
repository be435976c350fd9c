"""Unanswered create calls at providers with different ways to look up the job."""

from typing import Any
from uuid import uuid4

import httpx
import pytest

from local.stack import Stack
from tests.e2e.small_jobs import create, upstream_creates, wait_until_final

MODELS = {
    "none": "sandbox/sandbox-1",
    "key": "sandbox-key/sandbox-1",
    "lookup": "sandbox-lookup/sandbox-1",
}


def submit(client: httpx.Client, capability: str, directive: str) -> tuple[str, str]:
    """Return the job's id and its unique prompt."""
    prompt = f"a fox {uuid4()} {directive}"
    answer = create(client, prompt, model=MODELS[capability])
    assert answer.status_code == 200, answer.text
    return answer.json()["id"], prompt


def accepted_creates(stack: Stack, prompt: str) -> list[dict[str, Any]]:
    """Return the create calls that the upstream would charge for."""
    return [entry for entry in upstream_creates(stack, prompt) if entry["accepted"]]


@pytest.mark.parametrize("directive", ["[made-500=1]", "[made-reset=1]", "[made-cut=1]"])
@pytest.mark.parametrize("capability", MODELS)
def test_unanswered_create_runs_once(client, stack, capability, directive):
    """Without key or lookup the job fails, as its outcome is unknown."""
    job_id, prompt = submit(client, capability, directive)
    video = wait_until_final(client, job_id)
    if capability == "none":
        assert video["error"]["code"] == "upstream_outcome_unknown"
    else:
        assert video["status"] == "completed", video["error"]
    assert len(accepted_creates(stack, prompt)) == 1


def test_create_that_times_out_runs_once(client, stack):
    unknown, without_key = submit(client, "none", "[hang-create=60]")
    job_id, with_key = submit(client, "key", "[hang-create=60]")
    assert wait_until_final(client, job_id)["status"] == "completed"
    video = wait_until_final(client, unknown)
    assert video["error"]["code"] == "upstream_outcome_unknown"
    assert [len(accepted_creates(stack, prompt)) for prompt in (without_key, with_key)] == [1, 1]
    assert [entry["replays"] for entry in accepted_creates(stack, without_key)] == [0]
    assert accepted_creates(stack, with_key)[0]["replays"] >= 1


@pytest.mark.parametrize("directive", ["[500=1]", "[503=1]"])
@pytest.mark.parametrize("capability", ["none", "key"])
def test_5xx_without_job_is_retried_only_with_idempotency_key(client, stack, capability, directive):
    """A gateway's 5xx does not prove that no job was created.

    With lookup, an unlisted job counts as absent after 15 minutes: tests/unit/workflow.
    """
    job_id, prompt = submit(client, capability, directive)
    video = wait_until_final(client, job_id)
    if capability == "none":
        assert video["error"]["code"] == "upstream_outcome_unknown"
        assert accepted_creates(stack, prompt) == []
    else:
        assert video["status"] == "completed", video["error"]
        assert len(accepted_creates(stack, prompt)) == 1


@pytest.mark.parametrize("capability", MODELS)
def test_429_is_retried_at_every_provider(client, stack, capability):
    """A 429 proves that no job was created."""
    job_id, prompt = submit(client, capability, "[429=2]")
    assert wait_until_final(client, job_id)["status"] == "completed"
    assert len(accepted_creates(stack, prompt)) == 1
