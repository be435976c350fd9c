"""Handing a job to its provider: one create call at most, whatever happens around it."""

import math
from collections.abc import Callable

import pytest

from rushes.errors import (
    AwsUnavailable,
    InvalidInputFile,
    UpstreamNoResponse,
    UpstreamThrottled,
    UpstreamUnreachable,
)
from rushes.jobs.job import Job
from rushes.jobs.request import Input, Role
from rushes.jobs.status import JobStatus, Stage
from rushes.ports import FormFile, HttpReply, Timing
from rushes.workflow.submit import LEASE_SECONDS
from rushes.workflow.task import ENDING, STORE_TROUBLE_WAIT
from tests.harness import ACCOUNT, CATALOG, CREATE, FILM, PICTURE, SOUND, Harness, reply, video

ADDRESS = "https://pictures.example/ball.png"
FETCHED = {"status": "pending", "wait_seconds": 1}
"""Fetching has a run of its own: the create call gets all of a function's time."""
PICTURE_THERE = Input(role=Role.IMAGE, url=ADDRESS)


@pytest.fixture
def harness() -> Harness:
    harness = Harness()
    harness.answer(CREATE, video("queued"))
    return harness


def outcome(harness: Harness, job: Job) -> str | None:
    """The code of the error that the job will fail with."""
    decided = harness.now(job).outcome
    assert decided is not None
    return decided.error.code if decided.error else None


def test_a_submitted_job_runs_and_the_first_look_comes_after_half_the_typical_time(
    harness: Harness,
) -> None:
    job = harness.accepted()
    assert harness.submit(job) == {"status": "submitted", "wait_seconds": 10}
    running = harness.now(job)
    assert (running.status, running.stage, running.submissions) == (
        JobStatus.IN_PROGRESS,
        Stage.RUNNING,
        1,
    )
    assert (running.operation, running.submitted_at) == ({"id": "up-1"}, harness.clock())


def test_what_was_learned_decides_the_first_look(harness: Harness) -> None:
    job = harness.accepted()
    kind = "sandbox/one-at-home/4s/1280x720"
    harness.timings.put(kind, Timing(count=9, mean=5.0, variance=0.0))
    assert harness.submit(job)["wait_seconds"] == 126


def test_the_provider_is_asked_in_its_own_words_and_with_its_own_key(harness: Harness) -> None:
    harness.submit(harness.accepted(seed=7))
    (call,) = harness.creates()
    assert call.form == {
        "model": "one-at-home",
        "prompt": "a red ball",
        "seconds": "4",
        "size": "1280x720",
        "seed": "7",
    }
    assert [it.base_url for it in harness.http_client.upstreams] == ["https://sandbox.example/v1"]


def test_submitting_again_makes_no_second_call(harness: Harness) -> None:
    job = harness.running()
    assert harness.submit(job) == {"status": "submitted", "wait_seconds": 1}
    assert len(harness.creates()) == 1


@pytest.mark.parametrize("state", [Harness.stored, Harness.completed])
def test_a_decided_job_goes_straight_to_its_end(
    state: Callable[[Harness], Job], harness: Harness
) -> None:
    assert harness.submit(state(harness)) == ENDING


def test_a_job_that_is_not_there_goes_straight_to_its_end(harness: Harness) -> None:
    job = harness.accepted()
    harness.jobs.rows.clear()
    assert harness.submit(job) == ENDING


def test_while_a_create_call_may_be_on_its_way_nobody_makes_another(harness: Harness) -> None:
    job = harness.accepted()
    harness.jobs.change(ACCOUNT, job.id, lambda it: it.submitting(harness.clock(), LEASE_SECONDS))
    harness.clock.advance(50)
    assert harness.submit(job) == {"status": "pending", "wait_seconds": 100}
    assert not harness.creates()


def test_a_create_call_whose_outcome_nobody_knows_is_never_made_again(harness: Harness) -> None:
    """The function died between the claim and the answer."""
    job = harness.accepted()
    harness.jobs.change(ACCOUNT, job.id, lambda it: it.submitting(harness.clock(), LEASE_SECONDS))
    harness.clock.advance(LEASE_SECONDS)
    assert harness.submit(job) == ENDING
    assert outcome(harness, job) == "upstream_outcome_unknown"
    assert not harness.creates()


@pytest.mark.parametrize(
    "answer",
    [
        UpstreamNoResponse("no answer"),
        *(reply(status) for status in (408, 500, 502, 503, 504, 529)),
    ],
)
def test_after_a_call_that_may_have_been_obeyed_there_is_no_second(
    harness: Harness, answer: HttpReply | Exception
) -> None:
    job = harness.accepted()
    harness.answer(CREATE, answer)
    assert harness.submit(job) == harness.submit(job) == ENDING
    assert outcome(harness, job) == "upstream_outcome_unknown"
    assert len(harness.creates()) == 1


@pytest.mark.parametrize(
    ("answer", "wait"),
    [
        (UpstreamUnreachable("refused"), 2),
        (reply(429), 2),
        (reply(429, {"retry-after": "45"}), 45),
        (UpstreamThrottled("patience", wait_seconds=math.nan), 1),
    ],
)
def test_a_call_that_surely_made_nothing_is_made_again_later(
    harness: Harness, answer: HttpReply | Exception, wait: int
) -> None:
    job = harness.accepted()
    harness.answer(CREATE, answer)
    assert harness.submit(job) == {"status": "pending", "wait_seconds": wait}
    assert (harness.now(job).stage, harness.now(job).lease_until) == (Stage.WAITING, None)
    harness.clock.advance(wait)
    harness.answer(CREATE, video("queued"))
    assert harness.submit(job)["status"] == "submitted"
    assert harness.now(job).submissions == 2


def test_tries_are_spaced_ever_wider(harness: Harness) -> None:
    job = harness.accepted()
    harness.answer(CREATE, reply(429))
    waits = []
    for _ in range(4):
        waits.append(harness.submit(job)["wait_seconds"])
        harness.clock.advance(waits[-1])
    assert waits == [2, 4, 8, 16]


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (reply(400, error={"message": "no", "code": "too_rude"}), "upstream_refused"),
        (reply(400, error={"message": "no", "code": "content_filter"}), "content_filtered"),
        (reply(401), "upstream_unauthorized"),
        (HttpReply(200, {}, b"<html>"), "upstream_bad_response"),
    ],
)
def test_a_clear_no_and_nonsense_end_the_job(
    harness: Harness, answer: HttpReply, code: str
) -> None:
    job = harness.accepted()
    harness.answer(CREATE, answer)
    assert harness.submit(job) == ENDING
    assert outcome(harness, job) == code


@pytest.mark.parametrize("word", ["too_rude", "content_filter"])
def test_the_providers_own_word_for_its_no_is_kept(harness: Harness, word: str) -> None:
    job = harness.accepted()
    harness.answer(CREATE, reply(400, error={"message": "no", "code": word}))
    harness.submit(job)
    decided = harness.now(job).outcome
    assert decided is not None
    assert decided.error is not None
    assert decided.error.upstream_code == word


def test_a_secret_that_cannot_be_read_costs_time_only(harness: Harness) -> None:
    job = harness.accepted()
    harness.upstreams.trouble = AwsUnavailable("throttled")
    assert harness.submit(job) == {"status": "pending", "wait_seconds": STORE_TROUBLE_WAIT}
    harness.upstreams.trouble = None
    assert harness.submit(job)["status"] == "submitted"
    assert len(harness.creates()) == 1


def test_a_file_that_cannot_be_read_just_now_costs_time_only(harness: Harness) -> None:
    job = harness.accepted()
    harness.answer(CREATE, AwsUnavailable("throttled"), video("queued"))
    assert harness.submit(job)["status"] == "pending"
    assert harness.submit(job)["status"] == "submitted"


def test_a_claim_that_cannot_be_written_makes_no_call(harness: Harness) -> None:
    job = harness.accepted()
    harness.jobs.before_write = _no_store
    assert harness.submit(job) == {"status": "pending", "wait_seconds": STORE_TROUBLE_WAIT}
    assert not harness.creates()
    assert harness.submit(job)["status"] == "submitted"


def test_a_job_that_nobody_took_in_time_fails(harness: Harness) -> None:
    job = harness.accepted()
    harness.clock.advance(1800.1)
    assert harness.submit(job) == ENDING
    assert outcome(harness, job) == "upstream_timeout"
    assert not harness.creates()


def test_a_job_cancelled_before_it_was_submitted_never_is(harness: Harness) -> None:
    job = harness.accepted()
    harness.service.cancel(ACCOUNT, job.id)
    assert harness.submit(job) == ENDING
    assert harness.finish(job)["status"] == "cancelled"
    assert not harness.creates()


def test_a_cancel_waits_for_a_create_call_that_may_be_on_its_way(harness: Harness) -> None:
    job = harness.accepted()
    harness.jobs.change(ACCOUNT, job.id, lambda it: it.submitting(harness.clock(), LEASE_SECONDS))
    harness.service.cancel(ACCOUNT, job.id)
    assert harness.submit(job)["status"] == "pending"
    assert harness.now(job).outcome is None


def test_a_picture_at_an_address_is_fetched_and_sent_along(harness: Harness) -> None:
    job = harness.accepted(inputs=[PICTURE_THERE])
    harness.http_client.files[ADDRESS] = PICTURE
    assert harness.submit(job) == FETCHED
    harness.http_client.files.clear()  # it is in the bucket: nobody asks there again
    harness.submit(job)
    (call,) = harness.creates()
    assert call.form is not None
    part = call.form["input_reference"]
    assert isinstance(part, FormFile)
    assert part.file.key == f"inputs/{ACCOUNT}/{job.id}/0"
    assert (part.file.content_type, part.file.size) == ("image/png", len(PICTURE))
    assert harness.blobs.objects[part.file.key] == PICTURE


def test_a_film_at_an_address_is_fetched_and_sent_along(harness: Harness) -> None:
    source = Input(role=Role.SOURCE_VIDEO, url=ADDRESS)
    job = harness.accepted(inputs=[PICTURE_THERE.model_copy(update={"url": "x"}), source])
    harness.http_client.files = {"x": PICTURE, ADDRESS: FILM}
    harness.answer("POST /videos/edits", video("queued"))
    assert harness.submit(job) == FETCHED
    assert harness.submit(job)["status"] == "submitted"
    (call,) = harness.creates()
    assert call.form is not None
    part = call.form["video"]
    assert isinstance(part, FormFile)
    assert (part.file.key, part.file.content_type) == (
        f"inputs/{ACCOUNT}/{job.id}/1",
        "video/mp4",
    )
    assert harness.blobs.objects == {f"inputs/{ACCOUNT}/{job.id}/0": PICTURE, part.file.key: FILM}


@pytest.mark.parametrize(
    ("role", "content", "said"),
    [
        (Role.IMAGE, FILM, "what image points to is no image"),
        (Role.IMAGE, SOUND, "what image points to is no image"),
        (Role.SOURCE_VIDEO, PICTURE, "what source_video points to is no video"),
        (Role.SOURCE_VIDEO, b"", "what source_video points to is no video"),
    ],
)
def test_a_file_of_another_family_than_its_role_wants_ends_the_job(
    harness: Harness, role: Role, content: bytes, said: str
) -> None:
    job = harness.accepted(inputs=[Input(role=role, url=ADDRESS)])
    harness.http_client.files[ADDRESS] = content
    assert harness.submit(job) == ENDING
    assert outcome(harness, job) == "invalid_input_reference"
    decided = harness.now(job).outcome
    assert decided is not None
    assert decided.error is not None
    assert decided.error.message == said
    assert (harness.http_client.calls, harness.blobs.objects) == ([], {})


@pytest.mark.parametrize("picture", [b"<html>", InvalidInputFile("it answered 404")])
def test_a_picture_that_is_none_ends_the_job_before_anything_is_sent(
    harness: Harness, picture: bytes | Exception
) -> None:
    job = harness.accepted(inputs=[PICTURE_THERE])
    harness.http_client.files[ADDRESS] = picture
    assert harness.submit(job) == ENDING
    assert outcome(harness, job) == "invalid_input_reference"
    assert not harness.creates()


def test_a_job_whose_model_left_the_catalog_is_submitted_all_the_same(harness: Harness) -> None:
    job = harness.accepted()
    harness.catalog = CATALOG.model_copy(update={"models": CATALOG.models[1:], "aliases": {}})
    assert harness.submit(job) == {"status": "submitted", "wait_seconds": 15}


def _no_store() -> None:
    raise AwsUnavailable("throttled")
