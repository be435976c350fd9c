"""Create calls that come more than once: by their key they are one, on the real stack."""

import time
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import httpx
import pytest

from local.stack import Stack
from tests.e2e.small_jobs import SMALL, completes

AT_ONCE = 20


def call(
    client: httpx.Client, prompt: str, key: str, timeout: float | httpx.Timeout = 60
) -> httpx.Response:
    return client.post(
        "/openai/v1/videos",
        json={**SMALL, "prompt": prompt},
        headers={"idempotency-key": key},
        timeout=timeout,
    )


def creates(stack: Stack, prompt: str) -> int:
    request_log = httpx.get(f"{stack.sandbox_url}/_ledger").json()
    return len([it for it in request_log["creates"] if it["prompt"] == prompt])


def test_of_twenty_calls_at_once_one_makes_the_job_and_the_others_show_it(client, stack):
    prompt, key = f"one of one {uuid4()}", str(uuid4())
    with ThreadPoolExecutor(AT_ONCE) as threads:
        answers = list(threads.map(lambda _: call(client, prompt, key), range(AT_ONCE)))
    assert {answer.status_code for answer in answers} <= {200, 409}
    shown = [answer for answer in answers if answer.status_code == 200]
    [job_id] = {answer.json()["id"] for answer in shown}
    assert [it.headers.get("idempotent-replayed") for it in shown].count(None) == 1
    for refused in (answer for answer in answers if answer.status_code == 409):
        assert refused.headers["retry-after"] == "1"
    assert completes(client, job_id, 90)
    assert creates(stack, prompt) == 1


def test_who_hung_up_before_the_answer_gets_the_same_job_by_asking_again(client, stack):
    prompt, key = f"impatient {uuid4()}", str(uuid4())
    with pytest.raises(httpx.ReadTimeout):
        call(client, prompt, key, timeout=httpx.Timeout(60, read=0.001))
    time.sleep(5)  # the call goes on without us, and its job begins
    answer = call(client, prompt, key)
    assert answer.headers["idempotent-replayed"] == "true"
    assert completes(client, answer.json()["id"], 90)
    assert creates(stack, prompt) == 1
