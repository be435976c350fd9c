"""Repeated create calls with one idempotency key create one job."""

from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import httpx
import pytest

from tests.e2e.small_jobs import SMALL, UNANSWERED, completes, upstream_creates
from tests.waiting import wait_for

CALLS = 20


def call(
    client: httpx.Client, prompt: str, key: str, timeout: float | httpx.Timeout = 120
) -> httpx.Response:
    return client.post(
        "/openai/v1/videos",
        json={**SMALL, "prompt": prompt},
        headers={"idempotency-key": key},
        timeout=timeout,
    )


def test_twenty_create_calls_with_one_key_create_one_job(client, stack):
    prompt, key = f"one of one {uuid4()}", str(uuid4())
    with ThreadPoolExecutor(CALLS) as threads:
        answers = list(threads.map(lambda _: call(client, prompt, key), range(CALLS)))
    assert {answer.status_code for answer in answers} <= {200, *UNANSWERED}
    accepted = [answer for answer in answers if answer.status_code == 200]
    [job_id] = {answer.json()["id"] for answer in accepted}
    replayed = [answer.headers.get("idempotent-replayed") for answer in accepted]
    assert replayed.count(None) == 1
    for refused in (answer for answer in answers if answer.status_code == 409):
        assert refused.headers["retry-after"] == "1"
    assert completes(client, job_id)
    assert len(upstream_creates(stack, prompt)) == 1


def test_repeated_create_after_client_timeout_returns_same_job(client, stack):
    prompt, key = f"impatient {uuid4()}", str(uuid4())
    with pytest.raises(httpx.ReadTimeout):
        call(client, prompt, key, timeout=httpx.Timeout(60, read=0.001))
    wait_for(lambda: upstream_creates(stack, prompt))  # the abandoned call continues
    answer = call(client, prompt, key)
    assert answer.headers["idempotent-replayed"] == "true"
    assert completes(client, answer.json()["id"])
    assert len(upstream_creates(stack, prompt)) == 1
