"""Jobs at Runway, Google and a declarative provider, and their outcomes."""

import base64
from itertools import count
from pathlib import Path
from typing import Any

import httpx
import pytest

from local.stack import Stack
from tests.e2e import small_jobs
from tests.e2e.small_jobs import (
    assert_small_video,
    request_log,
    retrieve,
    small_png,
    upstream_creates,
    wait_until_final,
)
from tests.waiting import wait_for

PROVIDERS = ("runway", "gemini", "vertex", "minimax")
WITH_OPTIONS: dict[str, dict[str, Any]] = {
    "runway": {"seed": 7},
    "gemini": {"seed": 7, "negative_prompt": "rain", "personGeneration": "allow_all"},
    "vertex": {"seed": 7, "negative_prompt": "rain", "audio": True},
    "minimax": {"prompt_optimizer": False},
}
numbers = count()


def create(client: httpx.Client, provider: str, prompt: str, **fields: object) -> httpx.Response:
    return small_jobs.create(client, prompt, model=f"sandbox-{provider}/sandbox-1", **fields)


def final_job(client: httpx.Client, created: httpx.Response) -> dict[str, Any]:
    assert created.is_success, created.text
    return wait_until_final(client, created.json()["id"])


@pytest.mark.parametrize("provider", PROVIDERS)
def test_job_stores_video_in_bucket(
    provider: str, client: httpx.Client, stack: Stack, tmp_path: Path
):
    prompt = f"a {provider} job {next(numbers)}"
    image_url = "data:image/png;base64," + base64.b64encode(small_png()).decode()
    reference = {"input_reference": {"image_url": image_url}}
    job = final_job(client, create(client, provider, prompt, **reference, **WITH_OPTIONS[provider]))
    assert (job["status"], job["error"], job["progress"]) == ("completed", None, 100)
    content = client.get(f"/openai/v1/videos/{job['id']}/content", follow_redirects=True)
    assert_small_video(content.content, tmp_path)
    (call,) = upstream_creates(stack, prompt)
    assert (call["size"], call["seconds"], call["has_input_reference"]) == ("128x72", "1", True)
    assert call["seed"] == WITH_OPTIONS[provider].get("seed")


@pytest.mark.parametrize("provider", PROVIDERS)
def test_refused_prompt_fails_job_with_provider_message(
    provider: str, client: httpx.Client, stack: Stack
):
    prompt = f"[refuse] {provider} {next(numbers)}"
    job = final_job(client, create(client, provider, prompt))
    assert job["status"] == "failed"
    assert "The prompt breaks the content policy." in job["error"]["message"]
    if provider == "minimax":
        assert job["error"]["code"] == "content_filtered"
    assert len(upstream_creates(stack, prompt)) == 1


@pytest.mark.parametrize("provider", PROVIDERS)
def test_withheld_video_is_content_filtered(provider: str, client: httpx.Client):
    job = final_job(client, create(client, provider, f"[filter] {provider} {next(numbers)}"))
    assert (job["status"], job["error"]["code"]) == ("failed", "content_filtered")
    assert "withheld" in job["error"]["message"]


@pytest.mark.parametrize("provider", PROVIDERS)
def test_failure_keeps_provider_message(provider: str, client: httpx.Client):
    job = final_job(client, create(client, provider, f"[fail] {provider} {next(numbers)}"))
    assert (job["status"], job["error"]["message"]) == ("failed", "The render was interrupted.")


@pytest.mark.parametrize("provider", PROVIDERS)
def test_transient_errors_are_retried(provider: str, client: httpx.Client, stack: Stack):
    prompt = f"[429=1] [poll-503=1] {provider} {next(numbers)}"
    assert final_job(client, create(client, provider, prompt))["status"] == "completed"
    assert [entry["accepted"] for entry in upstream_creates(stack, prompt)] == [False, True]


def test_video_in_google_bucket_fails_with_its_uri(client: httpx.Client):
    job = final_job(client, create(client, "vertex", f"[gcs] {next(numbers)}"))
    assert (job["status"], job["error"]["code"]) == ("failed", "bad_output")
    assert "gs://videos/" in job["error"]["message"]


def test_runway_edits_video(client: httpx.Client, stack: Stack):
    first = final_job(client, create(client, "runway", f"a source {next(numbers)}"))
    prompt = f"an edit {next(numbers)}"
    body = {"prompt": prompt, "video": {"id": first["id"]}}
    job = final_job(client, client.post("/openai/v1/videos/edits", json=body))
    assert (job["status"], job["error"]) == ("completed", None)
    assert [entry["source"] for entry in upstream_creates(stack, prompt)] == ["edits"]


@pytest.mark.parametrize("provider", PROVIDERS)
def test_unsupported_option_is_refused_by_name(provider: str, client: httpx.Client):
    reply = create(client, provider, "refused", guidance=3)
    assert reply.status_code == 400
    assert reply.json()["error"]["param"] == "guidance"


def test_delete_of_job_deletes_runway_task(client: httpx.Client, stack: Stack):
    prompt = f"[slow=600] {next(numbers)}"
    job = create(client, "runway", prompt).json()
    (entry,) = wait_for(lambda: upstream_creates(stack, prompt))
    wait_for(lambda: retrieve(client, job["id"])["status"] == "in_progress")
    assert client.delete(f"/openai/v1/videos/{job['id']}").is_success
    wait_for(lambda: entry["id"] in request_log(stack)["deletes"])
