"""Beginning of a job, as the reply to the create call and later ones tell it."""

import json

import pytest

from rushes.catalog.vendor_data import read_vendor, vendor_names
from rushes.ports.http import HttpReply
from rushes.providers import adapter
from rushes.providers.base import Failed, Pending, PollResult, Submitted
from rushes.providers.created import with_beginning
from rushes.providers.fal_queue.fal_queue import Fal

NO_QUEUE = {"google", "vertex", "bedrock", "xai"}
STATUSES: list[tuple[str, object, bool]] = [
    ("fal", {"status": "IN_QUEUE", "queue_position": 2}, True),
    ("fal", {"status": "IN_PROGRESS"}, False),
    ("pipelet", {"status": "IN_QUEUE", "etaSeconds": 30}, True),
    ("tiyaro", {"response": {"id": "7", "status": "pending"}}, True),
    ("tiyaro", {"id": "7", "status": "accepted"}, True),
    ("tiyaro", {"id": "7", "status": "processing"}, False),
    ("openai", {"id": "7", "status": "queued"}, True),
    ("bifrost", {"id": "7", "status": "queued"}, True),
    ("bifrost", {"id": "7", "status": "in_progress"}, False),
    ("runway", {"id": "7", "status": "PENDING"}, True),
    ("runway", {"id": "7", "status": "THROTTLED"}, True),
    ("runway", {"id": "7", "status": "RUNNING", "progress": 0.1}, False),
    ("replicate", {"id": "7", "status": "starting"}, True),
    ("replicate", {"id": "7", "status": "processing"}, False),
    ("luma", {"id": "7", "state": "queued"}, True),
    ("luma", {"id": "7", "state": "processing"}, False),
    ("luma-dream-machine", {"id": "7", "state": "dreaming"}, False),
    ("kling", {"data": [{"id": "7", "status": "submitted"}]}, True),
    ("kling", {"data": [{"id": "7", "status": "processing"}]}, False),
    ("kling-v1", {"data": {"task_id": "7", "task_status": "submitted"}}, True),
    ("dashscope", {"output": {"task_id": "7", "task_status": "PENDING"}}, True),
    ("dashscope", {"output": {"task_id": "7", "task_status": "SUSPENDED"}}, True),
    ("dashscope", {"output": {"task_id": "7", "task_status": "RUNNING"}}, False),
    ("minimax", {"task": {"status": "Queueing"}}, True),
    ("minimax", {"task": {"status": "queued"}}, True),
    ("minimax", {"task": {"status": "running"}}, False),
    ("openrouter", {"id": "7", "status": "pending"}, True),
    ("openrouter", {"id": "7", "status": "in_progress"}, False),
    ("together", {"id": "7", "status": "queued"}, True),
    ("together", {"id": "7", "status": "in_progress"}, False),
    ("byteplus", {"id": "7", "status": "queued"}, True),
    ("byteplus", {"id": "7", "status": "running"}, False),
    ("google", {"id": "7", "status": "queued"}, True),
    ("google", {"id": "7", "status": "in_progress"}, False),
    ("xai", {"status": "pending"}, False),
]
CANCELLED: list[tuple[str, object]] = [
    ("pipelet", {"status": "CANCELLED"}),
    ("fal", {"status": "COMPLETED", "error": "x", "error_type": "client_cancelled"}),
    ("tiyaro", {"id": "7", "status": "cancelled"}),
    ("openai", {"id": "7", "status": "canceled"}),
    ("litellm", {"id": "7", "status": "CANCELLED"}),
    ("runway", {"id": "7", "status": "CANCELLED"}),
    ("replicate", {"id": "7", "status": "canceled"}),
    ("replicate", {"id": "7", "status": "aborted"}),
    ("dashscope", {"output": {"task_id": "7", "task_status": "CANCELED"}}),
    ("minimax", {"task": {"status": "Cancelled"}}),
    ("openrouter", {"id": "7", "status": "cancelled"}),
    ("together", {"id": "7", "status": "cancelled"}),
    ("byteplus", {"id": "7", "status": "cancelled"}),
    ("google", {"id": "7", "status": "cancelled"}),
]


def polled(name: str, body: object) -> PollResult:
    data = read_vendor(name).vendor
    operation = {"id": "7", "path": "/v2/x", "status": "/s", "result": "/r", "cancel": "/c"}
    provider = adapter(data.provider(base_url="https://vendor.example"))
    result = provider.parse_poll(operation, HttpReply(200, {}, json.dumps(body).encode()))
    assert isinstance(result, PollResult)
    return result


@pytest.mark.parametrize(("name", "body", "queued"), STATUSES)
def test_waiting_and_running_jobs_are_told_apart(name: str, body: object, *, queued: bool) -> None:
    result = polled(name, body)
    assert isinstance(result, Pending)
    assert result.queued is queued


@pytest.mark.parametrize(("name", "body"), CANCELLED)
def test_job_that_was_cancelled_at_the_provider_has_not_failed(name: str, body: object) -> None:
    result = polled(name, body)
    assert isinstance(result, Failed)
    assert result.cancelled


@pytest.mark.parametrize("name", ["openai", "runway", "replicate", "together"])
def test_failed_job_was_not_cancelled(name: str) -> None:
    status = {"runway": "FAILED"}.get(name, "failed")
    result = polled(name, {"id": "7", "status": status, "error": None})
    assert isinstance(result, Failed)
    assert not result.cancelled


@pytest.mark.parametrize("name", vendor_names())
def test_vendors_without_a_queue_state_begin_with_the_create_call(name: str) -> None:
    data = read_vendor(name).vendor
    profile = adapter(data.provider(base_url="https://vendor.example")).profile
    has_queue = name not in NO_QUEUE or data.protocol == "interactions"
    assert profile.has_queue is has_queue


@pytest.mark.parametrize(
    ("body", "started"),
    [
        ({"id": "7", "status": "in_progress"}, True),
        ({"id": "7", "state": "processing"}, True),
        ({"data": {"task_id": "7", "task_status": "processing"}}, True),
        ({"output": {"task_status": "RUNNING"}}, True),
        ({"response": {"status": "processing"}}, True),
        ({"id": "7", "status": "queued"}, False),
        ({"id": "7", "status": "success"}, False),
        ({"id": "7", "status": "OK"}, False),
        ({"id": "7", "status": 3}, False),
        ({"id": "7"}, False),
        ([], False),
        ("running", False),
    ],
)
def test_status_of_the_create_reply(body: object, *, started: bool) -> None:
    reply = HttpReply(200, {}, json.dumps(body).encode())
    assert with_beginning(Submitted({"id": "7"}), reply).started is started


@pytest.mark.parametrize("body", [b"", b"<html>", b"\xff"])
def test_create_reply_without_json_says_nothing(body: bytes) -> None:
    assert not with_beginning(Submitted({"id": "7"}), HttpReply(200, {}, body)).started


def test_position_of_the_create_reply_is_kept() -> None:
    urls = {
        f"{name}_url": f"https://queue.fal.run/fal-ai/x/requests/7{path}"
        for name, path in (("status", "/status"), ("response", ""), ("cancel", "/cancel"))
    }
    body = {"request_id": "7", "status": "IN_QUEUE", "queue_position": 4, **urls}
    submitted = Fal().parse_submit(HttpReply(200, {}, json.dumps(body).encode()))
    assert submitted.queue_position == 4
