"""Handing a job to its provider: one create call at most, whatever happens around it."""

import math
from collections.abc import Callable

import pytest

from rushes.errors import (
    BadInputFile,
    StoreUnavailable,
    UpstreamBusy,
    UpstreamSilent,
    UpstreamUnreachable,
)
from rushes.jobs.job import Job
from rushes.jobs.request import Input, Role
from rushes.jobs.status import JobStatus, Stage
from rushes.ports import FormFile, HttpReply, Timing
from rushes.workflow.submit import LEASE_SECONDS
from rushes.workflow.task import ENDING, STORE_TROUBLE_WAIT
from tests.harness import ACCOUNT, CATALOG, CREATE, FILM, PICTURE, SOUND, World, reply, video

ADDRESS = "https://pictures.example/ball.png"
FETCHED = {"status": "pending", "wait_seconds": 1}
"""Fetching has a run of its own: the create call gets all of a function's time."""
PICTURE_THERE = Input(role=Role.IMAGE, url=ADDRESS)


@pytest.fixture
def world() -> World:
    world = World()
    world.answer(CREATE, video("queued"))
    return world


def verdict(world: World, job: Job) -> str | None:
    """The code of the error that the job will fail with."""
    decided = world.now(job).verdict
    assert decided is not None
    return decided.error.code if decided.error else None


def test_a_submitted_job_runs_and_the_first_look_comes_after_half_the_typical_time(
    world: World,
) -> None:
    job = world.accepted()
    assert world.submit(job) == {"status": "submitted", "wait_seconds": 10}
    running = world.now(job)
    assert (running.status, running.stage, running.submissions) == (
        JobStatus.IN_PROGRESS,
        Stage.RUNNING,
        1,
    )
    assert (running.operation, running.submitted_at) == ({"id": "up-1"}, world.clock())


def test_what_was_learned_decides_the_first_look(world: World) -> None:
    job = world.accepted()
    kind = "studio/one-at-home/4s/1280x720"
    world.timings.put(kind, Timing(count=9, mean=5.0, variance=0.0))
    assert world.submit(job)["wait_seconds"] == 126


def test_the_provider_is_asked_in_its_own_words_and_with_its_own_key(world: World) -> None:
    world.submit(world.accepted(seed=7))
    (call,) = world.creates()
    assert call.form == {
        "model": "one-at-home",
        "prompt": "a red ball",
        "seconds": "4",
        "size": "1280x720",
        "seed": "7",
    }
    assert [it.base_url for it in world.egress.upstreams] == ["https://studio.example/v1"]


def test_submitting_again_makes_no_second_call(world: World) -> None:
    job = world.running()
    assert world.submit(job) == {"status": "submitted", "wait_seconds": 1}
    assert len(world.creates()) == 1


@pytest.mark.parametrize("state", [World.stored, World.completed])
def test_a_decided_job_goes_straight_to_its_end(
    state: Callable[[World], Job], world: World
) -> None:
    assert world.submit(state(world)) == ENDING


def test_a_job_that_is_not_there_goes_straight_to_its_end(world: World) -> None:
    job = world.accepted()
    world.jobs.rows.clear()
    assert world.submit(job) == ENDING


def test_while_a_create_call_may_be_on_its_way_nobody_makes_another(world: World) -> None:
    job = world.accepted()
    world.jobs.change(ACCOUNT, job.id, lambda it: it.submitting(world.clock(), LEASE_SECONDS))
    world.clock.advance(50)
    assert world.submit(job) == {"status": "pending", "wait_seconds": 100}
    assert not world.creates()


def test_a_create_call_whose_outcome_nobody_knows_is_never_made_again(world: World) -> None:
    """The function died between the claim and the answer."""
    job = world.accepted()
    world.jobs.change(ACCOUNT, job.id, lambda it: it.submitting(world.clock(), LEASE_SECONDS))
    world.clock.advance(LEASE_SECONDS)
    assert world.submit(job) == ENDING
    assert verdict(world, job) == "upstream_outcome_unknown"
    assert not world.creates()


@pytest.mark.parametrize(
    "answer",
    [
        UpstreamSilent("no answer"),
        *(reply(status) for status in (408, 500, 502, 503, 504, 529)),
    ],
)
def test_after_a_call_that_may_have_been_obeyed_there_is_no_second(
    world: World, answer: HttpReply | Exception
) -> None:
    job = world.accepted()
    world.answer(CREATE, answer)
    assert world.submit(job) == world.submit(job) == ENDING
    assert verdict(world, job) == "upstream_outcome_unknown"
    assert len(world.creates()) == 1


@pytest.mark.parametrize(
    ("answer", "wait"),
    [
        (UpstreamUnreachable("refused"), 2),
        (reply(429), 2),
        (reply(429, {"retry-after": "45"}), 45),
        (UpstreamBusy("patience", wait_seconds=math.nan), 1),
    ],
)
def test_a_call_that_surely_made_nothing_is_made_again_later(
    world: World, answer: HttpReply | Exception, wait: int
) -> None:
    job = world.accepted()
    world.answer(CREATE, answer)
    assert world.submit(job) == {"status": "pending", "wait_seconds": wait}
    assert (world.now(job).stage, world.now(job).lease_until) == (Stage.WAITING, None)
    world.clock.advance(wait)
    world.answer(CREATE, video("queued"))
    assert world.submit(job)["status"] == "submitted"
    assert world.now(job).submissions == 2


def test_tries_are_spaced_ever_wider(world: World) -> None:
    job = world.accepted()
    world.answer(CREATE, reply(429))
    waits = []
    for _ in range(4):
        waits.append(world.submit(job)["wait_seconds"])
        world.clock.advance(waits[-1])
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
def test_a_clear_no_and_nonsense_end_the_job(world: World, answer: HttpReply, code: str) -> None:
    job = world.accepted()
    world.answer(CREATE, answer)
    assert world.submit(job) == ENDING
    assert verdict(world, job) == code


@pytest.mark.parametrize("word", ["too_rude", "content_filter"])
def test_the_providers_own_word_for_its_no_is_kept(world: World, word: str) -> None:
    job = world.accepted()
    world.answer(CREATE, reply(400, error={"message": "no", "code": word}))
    world.submit(job)
    decided = world.now(job).verdict
    assert decided is not None
    assert decided.error is not None
    assert decided.error.upstream_code == word


def test_a_secret_that_cannot_be_read_costs_time_only(world: World) -> None:
    job = world.accepted()
    world.upstreams.trouble = StoreUnavailable("throttled")
    assert world.submit(job) == {"status": "pending", "wait_seconds": STORE_TROUBLE_WAIT}
    world.upstreams.trouble = None
    assert world.submit(job)["status"] == "submitted"
    assert len(world.creates()) == 1


def test_a_file_that_cannot_be_read_just_now_costs_time_only(world: World) -> None:
    job = world.accepted()
    world.answer(CREATE, StoreUnavailable("throttled"), video("queued"))
    assert world.submit(job)["status"] == "pending"
    assert world.submit(job)["status"] == "submitted"


def test_a_claim_that_cannot_be_written_makes_no_call(world: World) -> None:
    job = world.accepted()
    world.jobs.before_write = _no_store
    assert world.submit(job) == {"status": "pending", "wait_seconds": STORE_TROUBLE_WAIT}
    assert not world.creates()
    assert world.submit(job)["status"] == "submitted"


def test_a_job_that_nobody_took_in_time_fails(world: World) -> None:
    job = world.accepted()
    world.clock.advance(1800.1)
    assert world.submit(job) == ENDING
    assert verdict(world, job) == "upstream_timeout"
    assert not world.creates()


def test_a_job_cancelled_before_it_was_submitted_never_is(world: World) -> None:
    job = world.accepted()
    world.service.cancel(ACCOUNT, job.id)
    assert world.submit(job) == ENDING
    assert world.finish(job)["status"] == "cancelled"
    assert not world.creates()


def test_a_cancel_waits_for_a_create_call_that_may_be_on_its_way(world: World) -> None:
    job = world.accepted()
    world.jobs.change(ACCOUNT, job.id, lambda it: it.submitting(world.clock(), LEASE_SECONDS))
    world.service.cancel(ACCOUNT, job.id)
    assert world.submit(job)["status"] == "pending"
    assert world.now(job).verdict is None


def test_a_picture_at_an_address_is_fetched_and_sent_along(world: World) -> None:
    job = world.accepted(inputs=[PICTURE_THERE])
    world.egress.files[ADDRESS] = PICTURE
    assert world.submit(job) == FETCHED
    world.egress.files.clear()  # it is in the bucket: nobody asks there again
    world.submit(job)
    (call,) = world.creates()
    assert call.form is not None
    part = call.form["input_reference"]
    assert isinstance(part, FormFile)
    assert part.file.key == f"inputs/{ACCOUNT}/{job.id}/0"
    assert (part.file.content_type, part.file.size) == ("image/png", len(PICTURE))
    assert world.blobs.objects[part.file.key] == PICTURE


def test_a_film_at_an_address_is_fetched_and_sent_along(world: World) -> None:
    source = Input(role=Role.SOURCE_VIDEO, url=ADDRESS)
    job = world.accepted(inputs=[PICTURE_THERE.model_copy(update={"url": "x"}), source])
    world.egress.files = {"x": PICTURE, ADDRESS: FILM}
    world.answer("POST /videos/edits", video("queued"))
    assert world.submit(job) == FETCHED
    assert world.submit(job)["status"] == "submitted"
    (call,) = world.creates()
    assert call.form is not None
    part = call.form["video"]
    assert isinstance(part, FormFile)
    assert (part.file.key, part.file.content_type) == (
        f"inputs/{ACCOUNT}/{job.id}/1",
        "video/mp4",
    )
    assert world.blobs.objects == {f"inputs/{ACCOUNT}/{job.id}/0": PICTURE, part.file.key: FILM}


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
    world: World, role: Role, content: bytes, said: str
) -> None:
    job = world.accepted(inputs=[Input(role=role, url=ADDRESS)])
    world.egress.files[ADDRESS] = content
    assert world.submit(job) == ENDING
    assert verdict(world, job) == "invalid_input_reference"
    decided = world.now(job).verdict
    assert decided is not None
    assert decided.error is not None
    assert decided.error.message == said
    assert (world.egress.calls, world.blobs.objects) == ([], {})


@pytest.mark.parametrize("picture", [b"<html>", BadInputFile("it answered 404")])
def test_a_picture_that_is_none_ends_the_job_before_anything_is_sent(
    world: World, picture: bytes | Exception
) -> None:
    job = world.accepted(inputs=[PICTURE_THERE])
    world.egress.files[ADDRESS] = picture
    assert world.submit(job) == ENDING
    assert verdict(world, job) == "invalid_input_reference"
    assert not world.creates()


def test_a_job_whose_model_left_the_catalog_is_submitted_all_the_same(world: World) -> None:
    job = world.accepted()
    world.catalog = CATALOG.model_copy(update={"models": CATALOG.models[1:], "aliases": {}})
    assert world.submit(job) == {"status": "submitted", "wait_seconds": 15}


def _no_store() -> None:
    raise StoreUnavailable("throttled")
