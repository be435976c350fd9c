"""Final or later: errors about the account or the model end the attempt; rate limits wait."""

from typing import Any

import pytest
from typing_extensions import override

from rushes.catalog.models import read_catalog
from rushes.catalog.vendor_data import read_vendor, vendor_names
from rushes.errors import UpstreamError, UpstreamRefused
from rushes.jobs.status import JobStatus
from rushes.ports.http import HttpReply
from rushes.providers import adapter
from rushes.providers.base import Submitted
from rushes.providers.openai_videos.openai_compatible import OpenAICompatible
from rushes.workflow.parse_reply import parse_create_reply, parse_reply
from rushes.workflow.poll import ACCOUNT_WINDOW, RETRY_WINDOW
from rushes.workflow.task import TO_FINISH
from tests.harness import CREATE, POLL_CALL, Harness, reply, video

ACCOUNT, MODEL, KEY = "upstream_account", "upstream_model_unavailable", "upstream_unauthorized"
BUSY, REFUSED, FILTERED = "upstream_busy", "upstream_refused", "content_filtered"
UNKNOWN, DOWN = "upstream_outcome_unknown", "upstream_unavailable"
RESUBMIT = {"status": "resubmit", "wait_seconds": 1}
OPERATION = {"id": "1", "name": "n", "arn": "a:b/c", "model": "m", "path": "/v1/x", "status": "/s"}
LOCKED = {"detail": "User is locked. Reason: Exhausted balance. Top up your balance at fal.ai/dash"}


def google(status: int, name: str, *quota_ids: str) -> HttpReply:
    violations = [{"quotaMetric": "m", "quotaId": quota_id} for quota_id in quota_ids]
    details = [{"@type": "type.googleapis.com/google.rpc.QuotaFailure", "violations": violations}]
    return reply(status, error={"code": status, "status": name, "message": "x", "details": details})


def minimax(code: int) -> HttpReply:
    return reply(200, base_resp={"status_code": code, "status_msg": "no"})


def aws(status: int, name: str) -> HttpReply:
    return reply(status, {"x-amzn-errortype": f"{name}:http://amazon"}, message="no")


def openai(status: int, **error: Any) -> HttpReply:
    return reply(status, error={"message": "no", **error})


DAY, MINUTE = "GenerateRequestsPerDayPerProjectPerModel", "GenerateRequestsPerMinutePerProject"
CREATES: list[tuple[str, HttpReply, str]] = [
    ("kling", reply(429, code=1100, message="no"), ACCOUNT),
    ("kling", reply(429, code=1101, message="no"), ACCOUNT),
    ("kling", reply(200, code=1102, message="no"), ACCOUNT),
    ("kling-v1", reply(429, code=1304, message="no"), ACCOUNT),
    ("kling", reply(403, code=1103, message="no"), MODEL),
    ("kling", reply(429, code=1302, message="no"), BUSY),
    ("kling", reply(429, code=1303, message="no"), BUSY),
    ("byteplus", openai(429, code="QuotaExceeded"), ACCOUNT),
    ("byteplus", openai(403, code="AccountOverdueError"), ACCOUNT),
    ("byteplus", openai(404, code="ModelNotOpen"), MODEL),
    ("byteplus", openai(429, code="RateLimitExceeded.EndpointRPMExceeded"), BUSY),
    ("byteplus", openai(429, code="ServerOverloaded"), BUSY),
    ("byteplus", openai(429, code="SetLimitExceeded"), ACCOUNT),
    ("dashscope", reply(400, code="Arrearage", message="no"), ACCOUNT),
    ("dashscope", reply(403, code="AllocationQuota.FreeTierOnly", message="no"), ACCOUNT),
    ("dashscope", reply(404, code="ModelNotFound", message="no"), MODEL),
    ("dashscope", reply(429, code="Throttling.RateQuota", message="no"), BUSY),
    ("dashscope", reply(429, code="Throttling.AllocationQuota", message="no"), BUSY),
    ("fal", reply(403, None, **LOCKED), ACCOUNT),
    ("fal", reply(403, detail="User is locked. Reason: Admin lock."), ACCOUNT),
    ("fal", reply(404, detail="Application not found"), MODEL),
    ("fal", reply(429, detail="Too many requests"), BUSY),
    ("fal", reply(403, detail="Forbidden"), KEY),
    ("replicate", reply(402, title="Billing required", detail="Set up billing"), ACCOUNT),
    ("replicate", reply(402, title="Insufficient credit", detail="no"), ACCOUNT),
    ("replicate", reply(422, title="Invalid version or not permitted", detail="no"), MODEL),
    ("replicate", reply(404, title="Not Found", detail="no"), MODEL),
    ("replicate", reply(429, title="Throttled", detail="no"), BUSY),
    ("runway", reply(400, error="You do not have enough credits to run this task."), ACCOUNT),
    ("runway", reply(402, error="no"), ACCOUNT),
    ("runway", reply(429, error="daily limit"), BUSY),
    ("runway", reply(503), DOWN),
    ("runway", HttpReply(502, {}, b"<html>"), DOWN),
    ("runway", reply(504), UNKNOWN),
    ("runway", reply(400, error="promptText is too long"), REFUSED),
    ("minimax", minimax(1008), ACCOUNT),
    ("minimax", minimax(1028), ACCOUNT),
    ("minimax", minimax(2061), MODEL),
    ("minimax", minimax(2049), KEY),
    ("minimax", minimax(1002), BUSY),
    ("minimax", minimax(1026), FILTERED),
    ("minimax", reply(402, error={"type": "insufficient_balance_error", "message": "no"}), ACCOUNT),
    ("openrouter", reply(402, error={"code": 402, "message": "no"}), ACCOUNT),
    ("openrouter", reply(200, error={"code": 402, "message": "no"}), ACCOUNT),
    ("openrouter", reply(404, error={"code": 404, "message": "no"}), MODEL),
    ("openrouter", reply(429, error={"code": 429, "message": "no"}), BUSY),
    ("openrouter", reply(403, error={"code": 403, "message": "Key limit exceeded."}), ACCOUNT),
    (
        "xai",
        reply(
            403,
            code="The caller does not have permission",
            error="Your newly created"
            " team doesn't have any credits or licenses yet. See https://console.x.ai/team/1",
        ),
        ACCOUNT,
    ),
    (
        "xai",
        reply(
            429,
            error="Your team 1 has either used all available credits or reached its"
            " monthly spending limit.",
        ),
        ACCOUNT,
    ),
    ("xai", reply(429, error="Too many requests"), BUSY),
    ("together", openai(402, type="payment"), ACCOUNT),
    ("together", openai(404, code="model_not_available"), MODEL),
    ("google", google(429, "RESOURCE_EXHAUSTED", MINUTE), BUSY),
    ("google", google(429, "RESOURCE_EXHAUSTED"), BUSY),
    ("google", google(429, "RESOURCE_EXHAUSTED", MINUTE, f"{DAY}-FreeTier"), ACCOUNT),
    ("google", google(400, "FAILED_PRECONDITION"), ACCOUNT),
    (
        "google",
        HttpReply(429, {}, b"[" + google(429, "RESOURCE_EXHAUSTED", DAY).body + b"]"),
        ACCOUNT,
    ),
    ("vertex", google(404, "NOT_FOUND"), MODEL),
    ("luma", reply(400, detail="Insufficient credits"), ACCOUNT),
    ("luma", reply(429, detail="slow down"), BUSY),
    ("luma-dream-machine", reply(400, detail="Insufficient credits"), ACCOUNT),
    ("litellm", openai(400, type="budget_exceeded", code="400"), ACCOUNT),
    ("litellm", openai(429, type="throttling_error", code="429"), BUSY),
    ("bedrock", aws(404, "ResourceNotFoundException"), MODEL),
    ("bedrock", aws(400, "ServiceQuotaExceededException"), BUSY),
    ("bedrock", aws(503, "ServiceUnavailableException"), DOWN),
    ("bedrock", aws(500, "InternalServerException"), UNKNOWN),
    ("openai", openai(429, type="insufficient_quota", code="credit_balance_exhausted"), ACCOUNT),
    ("openai", openai(429, type="x", code="project_spend_limit_exceeded"), ACCOUNT),
    ("bifrost", openai(429, type="insufficient_quota"), ACCOUNT),
    ("vllm-omni", reply(503), UNKNOWN),
    ("sglang", openai(429, code="rate_limit_exceeded"), BUSY),
]


def error_of(
    call: Any, harness: Harness, answer: HttpReply, parse: Any, errors: Any
) -> UpstreamError:
    with pytest.raises(UpstreamError) as raised:
        call(harness.accepted(), answer, parse, errors)
    return raised.value


@pytest.mark.parametrize(("vendor", "answer", "code"), CREATES)
def test_error_of_a_create_call_by_the_codes_of_the_vendor(
    harness: Harness, vendor: str, answer: HttpReply, code: str
):
    entry = read_vendor(vendor).vendor.provider()
    parse = adapter(entry).parse_submit
    assert error_of(parse_create_reply, harness, answer, parse, entry.errors).error_code == code


GENERAL = [
    (openai(429, code="insufficient_quota"), ACCOUNT),
    (openai(429, type="insufficient_quota", code=None), ACCOUNT),
    (openai(400, code="billing_hard_limit_reached"), ACCOUNT),
    (openai(401, code="account_deactivated"), ACCOUNT),
    (openai(403, code="AccountSuspended"), ACCOUNT),
    (reply(402), ACCOUNT),
    (HttpReply(402, {}, b"<html>pay</html>"), ACCOUNT),
    (openai(403, message="Exhausted balance"), ACCOUNT),
    (openai(403, message="This account is suspended"), ACCOUNT),
    (openai(403, message="Your organization must be verified to use the model"), ACCOUNT),
    (openai(403, message="Your account has been closed"), ACCOUNT),
    (openai(403, type="billing_error"), ACCOUNT),
    (openai(429, code="QUOTA-EXCEEDED"), ACCOUNT),
    (openai(429, message="You exceeded your current quota, please check your plan"), ACCOUNT),
    (openai(429, message="You exceeded your current quota. Please retry in 32 s"), BUSY),
    (openai(429, message="Spending limit reached"), ACCOUNT),
    (openai(429, message="Rate limit reached in organization org-1. Limit: 5"), BUSY),
    (reply(200, success=False, message="Insufficient credits"), ACCOUNT),
    (openai(200, code="insufficient_quota"), ACCOUNT),
    (openai(503, code="insufficient_quota"), ACCOUNT),
    (openai(404, code="model_not_found"), MODEL),
    (openai(410, code="model_retired"), MODEL),
    (openai(400, code="invalid_api_key"), KEY),
    (openai(400, code="API_KEY_INVALID"), KEY),
    (openai(400, code="rate_limit_exceeded"), BUSY),
    (openai(403, code="content_policy_violation"), FILTERED),
]


@pytest.mark.parametrize("vendor", ["sglang", "together", "replicate", "google", "runway", "xai"])
@pytest.mark.parametrize(("answer", "code"), GENERAL)
def test_general_codes_are_known_for_every_vendor(
    harness: Harness, vendor: str, answer: HttpReply, code: str
):
    entry = read_vendor(vendor).vendor.provider()
    parse = adapter(entry).parse_submit
    assert error_of(parse_create_reply, harness, answer, parse, entry.errors).error_code == code


@pytest.mark.parametrize("vendor", vendor_names())
@pytest.mark.parametrize("status", [402, 403, 429])
def test_account_error_of_a_poll_is_none_of_the_job(harness: Harness, vendor: str, status: int):
    entry = read_vendor(vendor).vendor.provider()
    provider = adapter(entry)

    def parse(given: HttpReply) -> object:
        return provider.parse_poll(OPERATION, given)

    answer = openai(status, code="account_deactivated")
    error = error_of(parse_reply, harness, answer, parse, entry.errors)
    assert error.error_code == ACCOUNT


def test_text_of_a_server_error_says_nothing(harness: Harness):
    job = harness.accepted(openai(503, message="insufficient balance of load"))
    harness.submit(job)
    assert harness.error_code(job) == UNKNOWN


def test_quoted_request_is_no_error_code(harness: Harness):
    """Validation errors quote the client's value, which must not stop the provider."""
    for value in ({"code": "insufficient_quota"}, "the user is locked", {"a": "payment required"}):
        quoted = {"loc": ["body"], "msg": "no", "type": "x", "input": value}
        job = harness.accepted(reply(422, detail=[quoted]))
        harness.submit(job)
        assert harness.error_code(job) == REFUSED


def test_text_of_a_prompt_in_an_unreadable_success_is_no_error(harness: Harness):
    job = harness.accepted(reply(200, prompt="insufficient credits", text="account suspended"))
    harness.submit(job)
    assert harness.error_code(job) not in (ACCOUNT, None)


@pytest.mark.parametrize("status", [200, 201, 202])
@pytest.mark.parametrize(
    "fields",
    [
        {"metadata": {"note": "payment required"}},
        {"metadata": {"code": "insufficient_quota"}},
        {"metadata": {"type": "rate_limit_exceeded"}},
        {"status": "queued", "type": "402"},
        {"task": {"status": "model_not_found"}},
        {"title": "out of credits"},
    ],
)
def test_accepted_job_without_a_readable_id_is_not_sent_again(
    harness: Harness, status: int, fields: dict[str, Any]
):
    """What the reply says of the job, or quotes of its request, is no error of the provider."""
    job = harness.accepted(reply(status, object="video", **fields), model="sure")
    assert harness.submit(job) == TO_FINISH
    assert harness.error_code(job) == "upstream_bad_response"
    assert len(harness.creates()) == 1


def test_missing_source_video_is_not_a_missing_model(harness: Harness):
    job = harness.accepted(reply(404, error={"message": "Video 'v' not found"}))
    changes = {"remixed_operation": {"id": "v"}, "remixed_provider": "sandbox"}
    harness.change(
        job, lambda job, _: job.model_copy(update={**changes, "version": job.version + 1})
    )
    harness.answer("POST /videos/v/remix", reply(404, error={"message": "Video 'v' not found"}))
    harness.submit(job)
    assert harness.error_code(job) == REFUSED
    assert "Video 'v' not found" in harness.error(job).message


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (reply(402), ACCOUNT),
        (openai(429, code="insufficient_quota"), ACCOUNT),
        (openai(404, code="model_not_found"), MODEL),
        (reply(404, detail="no such model"), MODEL),
    ],
)
def test_final_error_fails_over_at_once_and_fails_the_last_attempt(
    harness: Harness, answer: HttpReply, code: str
):
    job = harness.accepted(answer, answer, model="sure")
    assert [harness.submit(job), harness.submit(job)] == [RESUBMIT, TO_FINISH]
    assert [attempt.error.code for attempt in harness.now(job).attempts] == [code]
    assert (harness.error_code(job), len(harness.creates())) == (code, 2)


def test_rate_limit_waits(harness: Harness):
    job = harness.accepted(openai(429, code="rate_limit_exceeded"), video("queued"))
    assert harness.submit(job)["status"] == "pending"
    assert harness.submit(job)["status"] == "pending"  # as requested
    harness.clock.advance(3)
    assert harness.submit(job)["status"] == "submitted"


def test_account_error_after_an_unanswered_call_is_not_its_outcome(harness: Harness):
    """With a paid bill the repeated call shows whether the first one created the job."""
    harness.catalog = read_catalog(KEYED)
    job = harness.accepted(reply(503), reply(402), video("queued"), model="keyed/one")
    assert harness.submit(job)["status"] == "pending"
    harness.clock.advance(60)
    assert harness.submit(job)["status"] == "pending"
    assert harness.now(job).is_submission_unconfirmed
    harness.clock.advance(60)
    assert harness.submit(job)["status"] == "submitted"


KEYED = """
    default_model = "keyed/one"
    [providers.keyed]
    protocol = "openai_compatible"
    idempotency = "key"
    [providers.declared]
    protocol = "openai_compatible"
    errors.not_created = ["503", "overloaded"]
    errors.account = ["4711"]
    [aliases]
    both = ["declared/one", "keyed/one"]
    [[models]]
    name = "keyed/one"
    [[models]]
    name = "declared/one"
"""


@pytest.mark.parametrize("answer", [reply(503), openai(529, code="overloaded")])
def test_declared_server_error_fails_over_and_is_repeated(harness: Harness, answer: HttpReply):
    """The configuration declares that these replies to a create call have created nothing."""
    harness.catalog = read_catalog(KEYED)
    job = harness.accepted(answer, video("queued"), model="both")
    assert harness.submit(job) == RESUBMIT
    assert harness.submit(job)["status"] == "submitted"
    alone = harness.accepted(answer, video("queued"), model="declared/one")
    assert harness.submit(alone)["status"] == "pending"
    harness.clock.advance(2)
    assert harness.submit(alone)["status"] == "submitted"


@pytest.mark.parametrize("status", [500, 502, 504])
def test_undeclared_server_error_is_an_unknown_outcome(harness: Harness, status: int):
    harness.catalog = read_catalog(KEYED)
    job = harness.accepted(reply(status), model="both")
    assert harness.submit(job) == TO_FINISH
    assert harness.error_code(job) == UNKNOWN


@pytest.mark.parametrize("status", [500, 502, 504])
def test_status_in_a_body_declares_nothing(harness: Harness, status: int):
    harness.catalog = read_catalog(KEYED)
    job = harness.accepted(openai(status, code=503), model="both")
    assert harness.submit(job) == TO_FINISH
    assert harness.error_code(job) == UNKNOWN


def test_codes_of_the_configuration(harness: Harness):
    harness.catalog = read_catalog(KEYED)
    job = harness.accepted(openai(429, code=4711), model="declared/one")
    harness.submit(job)
    assert harness.error_code(job) == ACCOUNT


@pytest.mark.parametrize(
    "answer",
    [reply(402), openai(429, code="insufficient_quota"), openai(403, message="User is locked")],
)
def test_account_error_of_a_poll_does_not_end_a_running_job(harness: Harness, answer: HttpReply):
    """The generation runs and is paid for: the bill may be paid meanwhile."""
    job = harness.running(video("in_progress"))
    harness.answer(POLL_CALL, answer)
    assert harness.poll(job)["status"] == "pending"
    harness.clock.advance(RETRY_WINDOW + 60)
    assert harness.poll(job)["status"] == "pending"
    harness.answer(POLL_CALL, video("completed"))
    assert harness.poll(job)["status"] == "succeeded"


def test_account_error_of_polls_ends_the_job_after_half_an_hour(harness: Harness):
    job = harness.running(reply(402), model="sure")
    job = harness.change(
        job,
        lambda job, now: job.mark_running(now).model_copy(update={"deadline_at": now + 7200}),
    )
    assert harness.poll(job)["status"] == "pending"
    harness.clock.advance(ACCOUNT_WINDOW - 1)
    assert harness.poll(job)["status"] == "pending"
    harness.clock.advance(2)
    assert harness.poll(job) == TO_FINISH
    assert harness.error_code(job) == ACCOUNT
    assert harness.now(job).provider == "sandbox"  # it may still generate the video


def test_refused_account_is_in_the_log_and_in_the_attempt(
    harness: Harness, caplog: pytest.LogCaptureFixture
):
    text = "User is locked. Reason: Exhausted balance. Top up at fal.ai/dashboard/billing"
    job = harness.accepted(reply(403, detail=text), video("queued"), model="sure")
    harness.submit(job)
    (attempt,) = harness.now(job).attempts
    assert text in (attempt.detail or "")
    assert "balance" not in attempt.error.model_dump_json().lower()
    events = {record.message: record for record in caplog.records}
    assert text in events["provider_account_refused"].__dict__["reason"]
    assert events["job_failed_over"].__dict__["next_model"] == "spare/one"


def test_job_after_a_final_error_is_failed(harness: Harness):
    job = harness.accepted(reply(402))
    harness.submit(job)
    harness.finish(job)
    assert harness.now(job).status is JobStatus.FAILED
    assert harness.calls() == [CREATE]


def test_later_call_after_a_server_error_could_generate_twice(harness: Harness):
    """A rate limit's code with 5xx does not prove that nothing was created."""
    job = harness.accepted(openai(503, code="rate_limit_exceeded"), model="sure")
    assert harness.submit(job) == TO_FINISH
    assert harness.error_code(job) == UNKNOWN


class FilteringProvider(OpenAICompatible):
    """A provider whose create call generates at once, and withholds the result."""

    @override
    def parse_submit(self, reply: HttpReply) -> Submitted:
        raise UpstreamRefused("blocked", code=FILTERED)


def test_content_refusal_of_a_generated_result_does_not_fail_over(harness: Harness):
    """The provider may bill it."""
    harness.adapter = lambda _entry: FilteringProvider()
    job = harness.accepted(reply(200, data=[{}]), model="sure")
    assert harness.submit(job) == TO_FINISH
    assert harness.error_code(job) == FILTERED


@pytest.mark.parametrize("status", [200, 400])
def test_content_refusal_by_code_fails_over(harness: Harness, status: int):
    job = harness.accepted(openai(status, code="content_filter"), video("queued"), model="sure")
    assert harness.submit(job) == RESUBMIT
