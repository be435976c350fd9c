"""Whole jobs by Runway's, Google's and a described provider's protocol, and how they may end."""

import base64
import io
import time
from itertools import count
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import Image

from local.stack import Stack
from local.video_probe import measure

KINDS = ("runway", "gemini", "vertex", "minimax")
WITH_OPTIONS: dict[str, dict[str, Any]] = {
    "runway": {"seed": 7},
    "gemini": {"seed": 7, "negative_prompt": "rain", "personGeneration": "allow_all"},
    "vertex": {"seed": 7, "negative_prompt": "rain", "audio": True},
    "minimax": {"prompt_optimizer": False},
}
FILTER_CODES = {
    "runway": "SAFETY.OUTPUT.VIDEO",
    "gemini": "raiMediaFiltered",
    "vertex": "raiMediaFiltered",
    "minimax": "1027",
}
numbers = count()


def create(client: httpx.Client, kind: str, prompt: str, **fields: object) -> httpx.Response:
    small = {"model": f"sandbox-{kind}/sandbox-1", "seconds": "1", "size": "128x72"}
    return client.post("/openai/v1/videos", json={**small, "prompt": prompt, **fields})


def ended(client: httpx.Client, created: httpx.Response) -> dict[str, Any]:
    assert created.is_success, created.text
    job: dict[str, Any] = created.json()
    deadline = time.monotonic() + 90
    while job["status"] not in ("completed", "failed", "cancelled"):
        assert time.monotonic() < deadline, job
        time.sleep(0.2)
        job = client.get(f"/openai/v1/videos/{job['id']}").json()
    return job


def request_log_of(stack: Stack, prompt: str) -> list[dict[str, Any]]:
    entries = httpx.get(f"{stack.sandbox_url}/_ledger").json()["creates"]
    return [entry for entry in entries if entry["prompt"] == prompt]


def picture() -> str:
    content = io.BytesIO()
    Image.new("RGB", (128, 72), "teal").save(content, "PNG")
    return "data:image/png;base64," + base64.b64encode(content.getvalue()).decode()


@pytest.mark.parametrize("kind", KINDS)
def test_a_whole_job_ends_with_its_film_in_the_bucket(
    kind: str, client: httpx.Client, stack: Stack, tmp_path: Path
):
    prompt = f"a whole {kind} job {next(numbers)}"
    reference = {"input_reference": {"image_url": picture()}}
    job = ended(client, create(client, kind, prompt, **reference, **WITH_OPTIONS[kind]))
    assert (job["status"], job["error"], job["progress"]) == ("completed", None, 100)
    content = client.get(f"/openai/v1/videos/{job['id']}/content", follow_redirects=True)
    (tmp_path / "film.mp4").write_bytes(content.content)
    film = measure(tmp_path / "film.mp4")
    assert (film.codec, film.size, film.seconds) == ("h264", (128, 72), 1.0)
    (call,) = request_log_of(stack, prompt)
    assert (call["size"], call["seconds"], call["has_input_reference"]) == ("128x72", "1", True)
    assert call["seed"] == WITH_OPTIONS[kind].get("seed")


@pytest.mark.parametrize("kind", KINDS)
def test_a_prompt_that_is_refused_fails_the_job_in_the_providers_words(
    kind: str, client: httpx.Client, stack: Stack
):
    prompt = f"[refuse] {kind} {next(numbers)}"
    job = ended(client, create(client, kind, prompt))
    assert job["status"] == "failed"
    assert "The prompt breaks the content policy." in job["error"]["message"]
    if kind == "minimax":
        assert job["error"]["code"] == "content_filtered"
    assert len(request_log_of(stack, prompt)) == 1


@pytest.mark.parametrize("kind", KINDS)
def test_a_film_that_is_withheld_is_content_filtered(kind: str, client: httpx.Client):
    job = ended(client, create(client, kind, f"[filter] {kind} {next(numbers)}"))
    assert (job["status"], job["error"]["code"]) == ("failed", "content_filtered")
    assert "withheld" in job["error"]["message"]


@pytest.mark.parametrize("kind", KINDS)
def test_a_failure_keeps_the_providers_message(kind: str, client: httpx.Client):
    job = ended(client, create(client, kind, f"[fail] {kind} {next(numbers)}"))
    assert (job["status"], job["error"]["message"]) == ("failed", "The render broke off.")


@pytest.mark.parametrize("kind", KINDS)
def test_bad_moments_of_the_provider_cost_time_only(kind: str, client: httpx.Client, stack: Stack):
    prompt = f"[429=1] [poll-503=1] {kind} {next(numbers)}"
    assert ended(client, create(client, kind, prompt))["status"] == "completed"
    assert [entry["accepted"] for entry in request_log_of(stack, prompt)] == [False, True]


def test_a_film_in_a_google_bucket_is_a_failure_that_names_it(client: httpx.Client):
    job = ended(client, create(client, "vertex", f"[gcs] {next(numbers)}"))
    assert (job["status"], job["error"]["code"]) == ("failed", "bad_output")
    assert "gs://films/" in job["error"]["message"]


def test_a_film_is_reworked_by_runway(client: httpx.Client, stack: Stack):
    first = ended(client, create(client, "runway", f"to be reworked {next(numbers)}"))
    prompt = f"reworked {next(numbers)}"
    body = {"prompt": prompt, "video": {"id": first["id"]}}
    job = ended(client, client.post("/openai/v1/videos/edits", json=body))
    assert (job["status"], job["error"]) == ("completed", None)
    assert [entry["source"] for entry in request_log_of(stack, prompt)] == ["edits"]


@pytest.mark.parametrize("kind", KINDS)
def test_what_a_provider_does_not_take_is_refused_by_name(kind: str, client: httpx.Client):
    reply = create(client, kind, "refused", guidance=3)
    assert reply.status_code == 400
    assert reply.json()["error"]["param"] == "guidance"


def test_a_runway_task_is_deleted_there_when_its_job_is(client: httpx.Client, stack: Stack):
    prompt = f"[slow=60] {next(numbers)}"
    job = create(client, "runway", prompt).json()
    deadline = time.monotonic() + 60
    while not (entries := request_log_of(stack, prompt)) or job["status"] != "in_progress":
        assert time.monotonic() < deadline
        time.sleep(0.2)
        job = client.get(f"/openai/v1/videos/{job['id']}").json()
    assert client.delete(f"/openai/v1/videos/{job['id']}").is_success
    while entries[0]["id"] not in httpx.get(f"{stack.sandbox_url}/_ledger").json()["deletes"]:
        assert time.monotonic() < deadline
        time.sleep(0.2)
