"""Truthful outcomes of a cancel at real vendors: stopped, too late, or unknown."""

import json
from typing import Any

import pytest

from rushes.catalog.vendor_data import read_vendor
from rushes.jobs.job import Job
from rushes.jobs.status import JobStatus, UpstreamCancelled
from rushes.ports.http import HttpReply
from rushes.providers import adapter
from rushes.workflow.task import TO_FINISH
from tests.harness import ACCOUNT, MP4_BYTES, Harness, reply

YES, NO, UNSUPPORTED = UpstreamCancelled.YES, UpstreamCancelled.NO, UpstreamCancelled.UNSUPPORTED
ID = "7"
POLLS = {
    "runway": f"GET /tasks/{ID}",
    "replicate": f"GET /predictions/{ID}",
    "byteplus": f"GET /contents/generations/tasks/{ID}",
    "dashscope": f"GET /api/v1/tasks/{ID}",
    "vllm-omni": f"GET /videos/{ID}",
    "sglang": f"GET /videos/{ID}",
    "litellm": f"GET /videos/{ID}",
    "bifrost": f"GET /videos/{ID}",
}
CANCELS = {
    "runway": f"DELETE /tasks/{ID}",
    "replicate": f"POST /predictions/{ID}/cancel",
    "byteplus": f"DELETE /contents/generations/tasks/{ID}",
    "dashscope": f"POST /api/v1/tasks/{ID}/cancel",
    "vllm-omni": f"DELETE /videos/{ID}",
    "sglang": f"DELETE /videos/{ID}",
    "litellm": f"DELETE /videos/{ID}",
    "bifrost": f"DELETE /videos/{ID}",
}
GONE, REFUSED = reply(404), reply(409, error={"message": "cannot be cancelled"})


def state(vendor: str, status: str, **fields: Any) -> HttpReply:
    if vendor == "dashscope":
        return reply(200, output={"task_id": ID, "task_status": status, **fields})
    return reply(200, id=ID, status=status, **fields)


def at_vendor(harness: Harness, job: Job) -> Job:
    """Change the handle of a submitted job to one of any vendor."""
    operation = {"id": ID, "path": "/x"}
    return harness.change(
        job,
        lambda job, _: job.model_copy(update={"operation": operation, "version": job.version + 1}),
    )


def cancelled(harness: Harness, vendor: str, states: list[HttpReply], answer: HttpReply) -> Job:
    """A job at the vendor, cancelled by the client; `states` are the replies to polls in order."""
    data = read_vendor(vendor).vendor
    provider = adapter(data.provider(base_url="https://vendor.example"))
    job = at_vendor(harness, harness.waiting())
    harness.adapter = lambda _entry: provider
    harness.answer(POLLS[vendor], *states)
    harness.answer(CANCELS[vendor], answer)
    harness.service.cancel(ACCOUNT, job.id)
    assert harness.poll(job) == TO_FINISH
    harness.finish(job)
    return harness.now(job)


CASES: list[tuple[str, list[tuple[str, dict[str, Any]] | HttpReply], HttpReply, Any]] = [
    ("runway", [("RUNNING", {}), GONE], reply(204), YES),
    ("runway", [("THROTTLED", {}), GONE], reply(204), YES),
    ("runway", [("RUNNING", {}), ("RUNNING", {})], reply(204), NO),
    ("replicate", [("processing", {}), ("canceled", {})], reply(200, status="canceled"), YES),
    ("replicate", [("starting", {}), ("aborted", {})], reply(200), YES),
    ("replicate", [("processing", {}), ("processing", {})], reply(200), NO),
    ("byteplus", [("queued", {}), ("cancelled", {})], reply(200), YES),
    ("byteplus", [("queued", {}), ("running", {})], REFUSED, NO),
    ("dashscope", [("PENDING", {}), ("CANCELED", {})], reply(200), YES),
    ("dashscope", [("PENDING", {}), ("RUNNING", {})], REFUSED, NO),
    ("vllm-omni", [("in_progress", {}), GONE], reply(200, deleted=True), YES),
    ("vllm-omni", [("in_progress", {}), ("in_progress", {})], REFUSED, NO),
    ("bifrost", [("in_progress", {}), GONE], reply(200, deleted=True), NO),
]


@pytest.mark.parametrize(("vendor", "states", "answer", "expected"), CASES)
def test_outcome_is_decided_by_the_state_after_the_cancel(
    harness: Harness,
    vendor: str,
    states: list[Any],
    answer: HttpReply,
    expected: UpstreamCancelled,
) -> None:
    polls = [each if isinstance(each, HttpReply) else state(vendor, *each[:1]) for each in states]
    job = cancelled(harness, vendor, polls, answer)
    assert (job.status, job.upstream_cancelled) == (JobStatus.CANCELLED, expected)
    assert job.is_tracked is (expected is not YES)
    assert CANCELS[vendor] in harness.calls()


FINISHED: dict[str, HttpReply] = {
    "runway": state("runway", "SUCCEEDED", output=["https://cdn.example/1"]),
    "replicate": state("replicate", "succeeded", output="https://cdn.example/1"),
    "byteplus": state("byteplus", "succeeded", content={"video_url": "https://cdn.example/1"}),
    "vllm-omni": state("vllm-omni", "completed", url="https://cdn.example/1"),
    "bifrost": state("bifrost", "completed", videos=[{"url": "https://cdn.example/1"}]),
}


@pytest.mark.parametrize("vendor", FINISHED)
def test_finished_video_is_not_cancelled_but_archived(harness: Harness, vendor: str) -> None:
    job = cancelled(harness, vendor, [FINISHED[vendor]], reply(204))
    assert CANCELS[vendor] not in harness.calls()
    assert (job.upstream_cancelled, job.is_unbilled_cancel) == (NO, False)
    harness.http_client.files["https://cdn.example/1"] = MP4_BYTES
    harness.collect(job)
    assert harness.now(job).archived_artifacts


@pytest.mark.parametrize(
    ("vendor", "status"),
    [
        ("sglang", "in_progress"),
        ("sglang", "queued"),
        ("litellm", "in_progress"),
        ("byteplus", "running"),
        ("dashscope", "RUNNING"),
    ],
)
def test_cancel_without_effect_is_not_sent(harness: Harness, vendor: str, status: str) -> None:
    job = cancelled(harness, vendor, [state(vendor, status)], reply(200, status="deleted"))
    assert CANCELS[vendor] not in harness.calls()
    assert (job.upstream_cancelled, job.is_tracked) == (UNSUPPORTED, True)


@pytest.mark.parametrize(("vendor", "status"), [("runway", "CANCELLED"), ("replicate", "canceled")])
def test_job_cancelled_at_the_provider_is_cancelled(
    harness: Harness, vendor: str, status: str
) -> None:
    job = at_vendor(harness, harness.running())
    provider = adapter(read_vendor(vendor).vendor.provider(base_url="https://vendor.example"))
    harness.adapter = lambda _entry: provider
    harness.answer(POLLS[vendor], state(vendor, status))
    assert harness.poll(job) == TO_FINISH
    harness.finish(job)
    ended = harness.now(job)
    assert (ended.status, ended.upstream_cancelled) == (JobStatus.CANCELLED, YES)
    assert (ended.error, ended.is_tracked, ended.is_unbilled_cancel) == (None, False, False)
    assert json.dumps(harness.bus.events).count("job.cancelled") == 1
