"""Clients read the provider and a code, never its private text or our class names."""

import json
from typing import Any

import pytest

from rushes.dialects import DIALECTS
from rushes.dialects.base import JobView
from rushes.errors import UpstreamError, UpstreamNoResponse, UpstreamUnreachable
from rushes.jobs.job import Job
from rushes.jobs.result import JobError
from rushes.ports.http import HttpReply
from rushes.providers.base import Failed
from rushes.workflow.public_errors import reworded, reworded_failure
from tests.harness import POLL_CALL, Harness, reply, video

SECRET = "billing-page"
PRIVATE = [
    "User is locked. Reason: Exhausted balance. Top up your balance at fal.ai/billing-page",
    "Your team 16f2 has either used all available credits, see console.x.ai/billing-page",
    "You exceeded your current quota, please check your plan and billing details (billing-page)",
    "Your organization org-123 must be verified to use the model (billing-page)",
    "insufficient funds (billing-page)",
    "the account is overdue (billing-page)",
    "Incorrect API key provided: ab*****cd (billing-page)",
    "monthly spend limit reached, raise it at billing-page",
    "cannot connect to 10.1.2.3:8000 (billing-page)",
    "worker gpu-7.internal has gone (billing-page)",
    "Traceback (most recent call last): /srv/billing-page.py",
]
READABLE = [
    "prompt: must be at most 1000 characters",
    "seconds must be one of 4, 8",
    "the image is too small: 64x64",
    "aspect_ratio 7:3 is not supported",
]


@pytest.mark.parametrize("text", PRIVATE)
@pytest.mark.parametrize("status", [400, 401, 402, 403, 404, 422, 429])
def test_private_text_of_a_refusal_is_for_the_operator_only(
    harness: Harness, text: str, status: int, caplog: pytest.LogCaptureFixture
):
    job = harness.accepted(reply(status, error={"message": text, "code": "odd"}))
    for _ in range(4):
        harness.clock.advance(harness.submit(job)["wait_seconds"])
    if not harness.now(job).has_outcome:
        harness.clock.now = job.deadline_at + 1
        harness.submit(job)
    harness.finish(job)
    stored = harness.now(job)
    assert stored.error is not None
    assert "sandbox" in stored.error.message
    assert SECRET not in serialized(stored) + json.dumps(harness.bus.events)
    reasons = [str(record.__dict__.get("reason")) for record in caplog.records]
    assert any(SECRET in reason for reason in reasons)


@pytest.mark.parametrize("text", PRIVATE)
def test_private_text_of_a_failed_job_is_for_the_operator_only(harness: Harness, text: str):
    job = harness.running(video("failed", error={"message": text, "code": "odd"}))
    harness.poll(job)
    harness.finish(job)
    stored = harness.now(job)
    assert stored.outcome is not None
    assert stored.outcome.detail == text
    assert stored.error is not None
    assert stored.error.message == "sandbox could not complete the job (odd)"
    assert SECRET not in serialized(stored) + json.dumps(harness.bus.events)


@pytest.mark.parametrize("text", READABLE)
def test_validation_errors_and_failures_stay_readable(harness: Harness, text: str):
    refused = harness.accepted(reply(400, error={"message": text}))
    harness.submit(refused)
    assert text in harness.error(refused).message
    failed = harness.running(video("failed", error={"message": text}))
    harness.poll(failed)
    assert harness.error(failed).message == text


def test_content_refusal_stays_readable(harness: Harness):
    text = "the prompt mentions a payment of an invoice"
    job = harness.accepted(reply(400, error={"message": text, "code": "content_filter"}))
    harness.submit(job)
    assert (harness.error(job).code, harness.error(job).message) == ("content_filtered", text)


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (UpstreamNoResponse("no response from 127.0.0.1 (ReadTimeout)"),
         "sandbox did not respond to the create call"),
        (UpstreamNoResponse("the provider did not respond (timeout)", detail="h: ReadTimeout"),
         "sandbox did not respond (timeout)"),
        (reply(503), "sandbox returned 503 for the create call"),
        (HttpReply(403, {}, b"<html>ReadTimeout</html>"),
         "sandbox rejected the API key of this deployment"),
    ],
)  # fmt: skip
def test_message_has_no_class_name(harness: Harness, answer: HttpReply | Exception, message: str):
    job = harness.accepted(answer)
    harness.submit(job)
    assert harness.error(job).message == message
    assert "ReadTimeout" not in harness.error(job).model_dump_json()


def test_warnings_of_polls_have_no_private_text(harness: Harness):
    job = harness.running(reply(403, detail=PRIVATE[0]), reply(402, detail=PRIVATE[1]))
    harness.poll(job)
    harness.poll(job)
    assert SECRET not in str(harness.now(job).warnings)
    assert harness.now(job).warnings


def test_sentence_in_the_place_of_a_code_is_no_code():
    code = "The caller does not have permission to execute the specified operation"
    error = UpstreamError("no", code="upstream_account", upstream_code=code)
    public = reworded("xai", error)
    assert public.upstream_code is None
    assert code in (public.detail or "")
    assert public.message == "xai does not accept requests of this deployment's account"


def test_code_of_the_provider_is_named():
    error = UpstreamError("x", code="upstream_account", upstream_code="1102")
    message = reworded("kling", error).message
    assert message == "kling does not accept requests of this deployment's account (1102)"


def test_rewording_twice_changes_nothing():
    error: UpstreamError = UpstreamUnreachable(
        "the provider cannot be reached (timeout)", detail="h: ReadTimeout"
    )
    for _ in range(2):
        error = reworded("luma", error)
        assert type(error) is UpstreamUnreachable
        assert (error.message, error.detail) == (
            "luma cannot be reached (timeout)",
            "h: ReadTimeout",
        )
        assert str(error) == error.message


def test_failed_job_with_own_words_names_the_provider():
    error = JobError(code="upstream_failed", message="the provider gave no reason")
    assert reworded_failure("luma", Failed(error)).error.message == "luma gave no reason"


def test_operator_fields_are_in_no_response_and_no_event(harness: Harness):
    job = harness.accepted(
        reply(402, detail=PRIVATE[0]), reply(402, detail=PRIVATE[1]), model="sure"
    )
    harness.submit(job)
    harness.submit(job)
    harness.finish(job)
    stored = harness.now(job)
    assert SECRET in stored.model_dump_json()  # for `show`
    assert SECRET not in serialized(stored) + json.dumps(harness.bus.events)


def test_reason_of_a_waiting_job_is_in_no_response(harness: Harness):
    job = harness.accepted(UpstreamUnreachable("10.0.0.7: ConnectError", detail=PRIVATE[0]))
    harness.submit(job)
    stored = harness.now(job)
    assert stored.waiting is not None
    assert SECRET in (stored.waiting.detail or "")
    assert SECRET not in serialized(stored)
    assert harness.calls() != [POLL_CALL]


def serialized(job: Job) -> str:
    """Return the job in the responses of all dialects."""
    view = JobView(
        job, lambda _: "https://bucket.example/x", lambda _: b"{}", "https://api.example"
    )
    verbs: Any = ("create", "retrieve", "status", "result")
    texts = []
    for dialect in DIALECTS:
        for verb in verbs:
            try:
                response = dialect.write_job(view, verb)
            except Exception as error:  # noqa: BLE001 - the verb of another dialect
                texts.append(str(error))
            else:
                texts.append(f"{response.body}{dict(response.headers)}")
    return "".join(texts)


@pytest.mark.parametrize(
    "query",
    [
        "X-Amz-Credential=AKIA&X-Amz-Signature=signature",
        "X-Goog-Signature=signature",
        "se=2026&sig=signature%3D",
        "Expires=1&Key-Pair-Id=K&Signature=signature",
    ],
)
@pytest.mark.parametrize("status", [400, 403, 422, 500])
def test_signature_of_a_quoted_url_is_for_nobody(harness: Harness, query: str, status: int):
    text = f"cannot download 'https://bucket.example/inputs/1.png?{query}': expired"
    job = harness.accepted(reply(status, error={"message": text}))
    harness.submit(job)
    harness.finish(job)
    assert "signature" not in harness.now(job).model_dump_json().casefold()
    assert "signature" not in json.dumps(harness.bus.events).casefold()


def test_signature_is_not_in_the_error_of_a_failed_job(harness: Harness):
    text = "cannot download https://bucket.example/inputs/1.png?sig=signature"
    job = harness.running(video("failed", error={"code": "bad_input", "message": text}))
    harness.poll(job)
    harness.finish(job)
    assert harness.error(job).message == "cannot download https://bucket.example/inputs/1.png"
    assert "signature" not in json.dumps(harness.bus.events)
