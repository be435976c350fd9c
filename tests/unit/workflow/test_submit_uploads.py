"""Submitting to a provider that wants its file put to an address of its own beforehand."""

import json
from typing import Any

import pytest

from rushes.errors import (
    AwsUnavailable,
    UpstreamNoResponse,
    UpstreamProtocolError,
    UpstreamThrottled,
    UpstreamUnreachable,
)
from rushes.jobs.job import Job
from rushes.jobs.request import CreateRequest, GenerationRequest, Input, Role, Upload
from rushes.jobs.status import JobStatus, Stage
from rushes.ports import HttpCall, HttpReply
from rushes.providers.base import PollResult, Profile, Submitted, Succeeded, SupportsUpload
from rushes.providers.replies import check_answered, check_created
from rushes.workflow.rate_limiter import PATIENCE
from rushes.workflow.task import ENDING, STORE_TROUBLE_WAIT
from tests.harness import ACCOUNT, CREATE, PICTURE, Harness, reply, video

PLACE = "https://uploads.example/put/1?signature=x"
THERE = "https://pictures.example/ball.png"
ASK_ADDRESS = "POST /uploads"


class Depot:
    """Takes its picture at an address that it gives first."""

    profile = Profile()

    def upload_url_request(self, job: Job) -> HttpCall | None:
        image = job.request.file(Role.IMAGE)
        if image is None:
            return None
        return HttpCall("POST", "/uploads", json={"type": image.content_type})

    def parse_upload_url(self, reply: HttpReply) -> str:
        check_answered(reply)
        address: str = json.loads(reply.body)["url"]
        return address

    def submit_request_with_upload(self, job: Job, address: str) -> HttpCall:
        return HttpCall("POST", "/videos", json={"prompt": job.request.prompt, "image": address})

    def submit(self, job: Job) -> HttpCall:
        return HttpCall("POST", "/videos", json={"prompt": job.request.prompt})

    def submitted(self, reply: HttpReply) -> Submitted:
        check_created(reply)
        return Submitted({"id": "up-1"})

    def poll(self, _operation: dict[str, Any]) -> HttpCall:
        return HttpCall("GET", "/videos/up-1")

    def polled(self, _operation: dict[str, Any], _reply: HttpReply) -> PollResult:
        return Succeeded()


@pytest.fixture
def harness() -> Harness:
    harness = Harness(adapter=lambda _kind: Depot())
    harness.answer(ASK_ADDRESS, reply(200, url=PLACE))
    harness.answer(CREATE, video("queued"))
    harness.http_client.files[THERE] = PICTURE
    return harness


@pytest.fixture
def job(harness: Harness) -> Job:
    request = GenerationRequest(model="sandbox/one", prompt="a red ball")
    upload = Upload("input_reference", "image/png", PICTURE)
    creation = CreateRequest(request, uploads=((Role.IMAGE, upload),))
    return harness.service.create(ACCOUNT, "openai", creation).job


def paths(harness: Harness) -> list[str]:
    return [f"{call.method} {call.path}" for call in harness.http_client.calls]


def test_the_provider_of_these_tests_has_that_ability() -> None:
    assert isinstance(Depot(), SupportsUpload)


def test_the_file_is_put_there_first_and_the_create_call_carries_the_address(
    harness: Harness, job: Job
) -> None:
    assert harness.submit(job)["status"] == "submitted"
    assert harness.http_client.puts == {PLACE: job.request.file(Role.IMAGE)}
    ask, create = harness.http_client.calls
    assert (ask.path, ask.json) == ("/uploads", {"type": "image/png"})
    assert (create.path, create.json) == ("/videos", {"prompt": "a red ball", "image": PLACE})
    running = harness.now(job)
    assert (running.status, running.submissions) == (JobStatus.IN_PROGRESS, 1)


def test_a_file_that_was_at_an_address_is_fetched_and_put_there(harness: Harness) -> None:
    job = harness.accepted(inputs=[Input(role=Role.IMAGE, url=THERE)])
    assert harness.submit(job)["status"] == "pending"
    assert harness.submit(job)["status"] == "submitted"
    (file,) = harness.http_client.puts.values()
    assert (file.content_type, harness.blobs.objects[file.key]) == ("image/png", PICTURE)
    assert harness.http_client.calls[-1].json["image"] == PLACE


def test_a_job_without_a_file_is_submitted_without_further_ado(harness: Harness) -> None:
    assert harness.submit(harness.accepted())["status"] == "submitted"
    assert paths(harness) == [CREATE]
    assert harness.http_client.calls[0].json == {"prompt": "a red ball"}
    assert harness.http_client.puts == {}


@pytest.mark.parametrize(
    ("answer", "wait"),
    [
        (UpstreamThrottled("the upload was answered 503"), 2),
        (UpstreamUnreachable("refused"), 2),
        (UpstreamNoResponse("no answer"), 2),
    ],
)
def test_an_upload_that_fails_is_tried_again_and_nothing_was_claimed(
    harness: Harness, job: Job, answer: Exception, wait: int
) -> None:
    harness.http_client.put_trouble = answer
    assert harness.submit(job) == {"status": "pending", "wait_seconds": wait}
    assert harness.now(job) == job
    assert paths(harness) == [ASK_ADDRESS]
    harness.http_client.put_trouble = None
    assert harness.submit(job)["status"] == "submitted"
    assert (paths(harness)[1:], harness.now(job).submissions) == ([ASK_ADDRESS, CREATE], 1)


@pytest.mark.parametrize(
    ("answer", "wait"),
    [
        (reply(429), 2),
        (reply(429, {"retry-after": "45"}), 45),
        (reply(503), 2),
        (UpstreamUnreachable("refused"), 2),
        (UpstreamNoResponse("no answer"), 2),
    ],
)
def test_an_address_that_is_not_given_just_now_is_asked_for_again(
    harness: Harness, job: Job, answer: HttpReply | Exception, wait: int
) -> None:
    """Nothing that costs money was begun: even silence may be asked again."""
    harness.answer(ASK_ADDRESS, answer)
    assert harness.submit(job) == {"status": "pending", "wait_seconds": wait}
    assert harness.now(job) == job
    assert (paths(harness), harness.http_client.puts) == ([ASK_ADDRESS], {})
    harness.answer(ASK_ADDRESS, reply(200, url=PLACE))
    assert harness.submit(job)["status"] == "submitted"


@pytest.mark.parametrize("answer", [reply(401), reply(403)])
def test_a_refused_address_ends_the_job(harness: Harness, job: Job, answer: HttpReply) -> None:
    harness.answer(ASK_ADDRESS, answer)
    assert harness.submit(job) == ENDING
    outcome = harness.now(job).outcome
    assert outcome is not None
    assert outcome.error is not None
    assert outcome.error.code == "upstream_unauthorized"
    assert (paths(harness), harness.http_client.puts) == ([ASK_ADDRESS], {})


def test_an_address_that_will_not_do_ends_the_job(harness: Harness, job: Job) -> None:
    harness.http_client.put_trouble = UpstreamProtocolError(
        "the provider's upload address will not do"
    )
    assert harness.submit(job) == ENDING
    assert harness.now(job).submissions == 0
    assert paths(harness) == [ASK_ADDRESS]


def test_a_file_that_cannot_be_read_just_now_costs_time_only(harness: Harness, job: Job) -> None:
    harness.http_client.put_trouble = AwsUnavailable("throttled")
    assert harness.submit(job) == {"status": "pending", "wait_seconds": STORE_TROUBLE_WAIT}
    assert harness.now(job) == job
    harness.http_client.put_trouble = None
    assert harness.submit(job)["status"] == "submitted"


def test_uploads_are_given_up_at_the_deadline(harness: Harness, job: Job) -> None:
    harness.http_client.put_trouble = UpstreamThrottled("the upload was answered 503")
    harness.clock.advance(1800)
    assert harness.submit(job)["status"] == "pending"
    harness.clock.advance(0.1)
    assert harness.submit(job) == ENDING
    assert paths(harness) == [ASK_ADDRESS]


def test_a_create_call_that_is_silent_after_an_upload_is_made_once(
    harness: Harness, job: Job
) -> None:
    harness.answer(CREATE, UpstreamNoResponse("no answer"))
    assert harness.submit(job) == harness.submit(job) == ENDING
    assert paths(harness) == [ASK_ADDRESS, CREATE]


def test_a_create_call_that_is_put_off_is_made_with_a_fresh_address(
    harness: Harness, job: Job
) -> None:
    fresh = PLACE.replace("/1", "/2")
    harness.answer(ASK_ADDRESS, reply(200, url=PLACE), reply(200, url=fresh))
    harness.answer(CREATE, reply(429), video("queued"))
    assert harness.submit(job)["status"] == "pending"
    assert (harness.now(job).stage, harness.now(job).submissions) == (Stage.WAITING, 1)
    harness.clock.advance(PATIENCE)
    assert harness.submit(job)["status"] == "submitted"
    assert list(harness.http_client.puts) == [PLACE, fresh]
    assert harness.http_client.calls[-1].json["image"] == fresh


def test_a_cancel_that_comes_during_the_upload_is_in_time(harness: Harness, job: Job) -> None:
    harness.jobs.before_write = lambda: _cancel(harness, job)
    assert harness.submit(job)["status"] == "pending"
    assert paths(harness) == [ASK_ADDRESS]
    assert harness.submit(job) == ENDING
    assert harness.finish(job, f"{job.id}-r2")["status"] == "cancelled"


def test_while_a_create_call_may_be_on_its_way_nothing_is_uploaded(
    harness: Harness, job: Job
) -> None:
    harness.jobs.change(ACCOUNT, job.id, lambda it: it.submitting(harness.clock(), 150.0))
    assert harness.submit(job)["status"] == "pending"
    assert (paths(harness), harness.http_client.puts) == ([], {})


def _cancel(harness: Harness, job: Job) -> None:
    harness.service.cancel(ACCOUNT, job.id)
