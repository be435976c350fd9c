"""Submitting to a provider that wants its file put to an address of its own beforehand."""

import json
from typing import Any

import pytest

from rushes.errors import (
    StoreUnavailable,
    UpstreamBusy,
    UpstreamConfused,
    UpstreamSilent,
    UpstreamUnreachable,
)
from rushes.jobs.job import Job
from rushes.jobs.request import Creation, GenerationRequest, Input, Role, Upload
from rushes.jobs.status import JobStatus, Stage
from rushes.ports import HttpCall, HttpReply
from rushes.providers.base import PollResult, Profile, Submitted, Succeeded, TakesUploads
from rushes.providers.replies import check_answered, check_created
from rushes.workflow.rate_limiter import PATIENCE
from rushes.workflow.task import ENDING, STORE_TROUBLE_WAIT
from tests.harness import ACCOUNT, CREATE, PICTURE, World, reply, video

PLACE = "https://uploads.example/put/1?signature=x"
THERE = "https://pictures.example/ball.png"
ASK_ADDRESS = "POST /uploads"


class Depot:
    """Takes its picture at an address that it gives first."""

    profile = Profile()

    def ask_address(self, job: Job) -> HttpCall | None:
        image = job.request.file(Role.IMAGE)
        if image is None:
            return None
        return HttpCall("POST", "/uploads", json={"type": image.content_type})

    def read_address(self, reply: HttpReply) -> str:
        check_answered(reply)
        address: str = json.loads(reply.body)["url"]
        return address

    def submit_uploaded(self, job: Job, address: str) -> HttpCall:
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
def world() -> World:
    world = World(adapter=lambda _kind: Depot())
    world.answer(ASK_ADDRESS, reply(200, url=PLACE))
    world.answer(CREATE, video("queued"))
    world.egress.files[THERE] = PICTURE
    return world


@pytest.fixture
def job(world: World) -> Job:
    request = GenerationRequest(model="studio/one", prompt="a red ball")
    upload = Upload("input_reference", "image/png", PICTURE)
    creation = Creation(request, uploads=((Role.IMAGE, upload),))
    return world.service.create(ACCOUNT, "openai", creation).job


def paths(world: World) -> list[str]:
    return [f"{call.method} {call.path}" for call in world.egress.calls]


def test_the_provider_of_these_tests_has_that_ability() -> None:
    assert isinstance(Depot(), TakesUploads)


def test_the_file_is_put_there_first_and_the_create_call_carries_the_address(
    world: World, job: Job
) -> None:
    assert world.submit(job)["status"] == "submitted"
    assert world.egress.puts == {PLACE: job.request.file(Role.IMAGE)}
    ask, create = world.egress.calls
    assert (ask.path, ask.json) == ("/uploads", {"type": "image/png"})
    assert (create.path, create.json) == ("/videos", {"prompt": "a red ball", "image": PLACE})
    running = world.now(job)
    assert (running.status, running.submissions) == (JobStatus.IN_PROGRESS, 1)


def test_a_file_that_was_at_an_address_is_fetched_and_put_there(world: World) -> None:
    job = world.accepted(inputs=[Input(role=Role.IMAGE, url=THERE)])
    assert world.submit(job)["status"] == "pending"
    assert world.submit(job)["status"] == "submitted"
    (file,) = world.egress.puts.values()
    assert (file.content_type, world.blobs.objects[file.key]) == ("image/png", PICTURE)
    assert world.egress.calls[-1].json["image"] == PLACE


def test_a_job_without_a_file_is_submitted_without_further_ado(world: World) -> None:
    assert world.submit(world.accepted())["status"] == "submitted"
    assert paths(world) == [CREATE]
    assert world.egress.calls[0].json == {"prompt": "a red ball"}
    assert world.egress.puts == {}


@pytest.mark.parametrize(
    ("answer", "wait"),
    [
        (UpstreamBusy("the upload was answered 503"), 2),
        (UpstreamUnreachable("refused"), 2),
        (UpstreamSilent("no answer"), 2),
    ],
)
def test_an_upload_that_fails_is_tried_again_and_nothing_was_claimed(
    world: World, job: Job, answer: Exception, wait: int
) -> None:
    world.egress.put_trouble = answer
    assert world.submit(job) == {"status": "pending", "wait_seconds": wait}
    assert world.now(job) == job
    assert paths(world) == [ASK_ADDRESS]
    world.egress.put_trouble = None
    assert world.submit(job)["status"] == "submitted"
    assert (paths(world)[1:], world.now(job).submissions) == ([ASK_ADDRESS, CREATE], 1)


@pytest.mark.parametrize(
    ("answer", "wait"),
    [
        (reply(429), 2),
        (reply(429, {"retry-after": "45"}), 45),
        (reply(503), 2),
        (UpstreamUnreachable("refused"), 2),
        (UpstreamSilent("no answer"), 2),
    ],
)
def test_an_address_that_is_not_given_just_now_is_asked_for_again(
    world: World, job: Job, answer: HttpReply | Exception, wait: int
) -> None:
    """Nothing that costs money was begun: even silence may be asked again."""
    world.answer(ASK_ADDRESS, answer)
    assert world.submit(job) == {"status": "pending", "wait_seconds": wait}
    assert world.now(job) == job
    assert (paths(world), world.egress.puts) == ([ASK_ADDRESS], {})
    world.answer(ASK_ADDRESS, reply(200, url=PLACE))
    assert world.submit(job)["status"] == "submitted"


@pytest.mark.parametrize("answer", [reply(401), reply(403)])
def test_a_refused_address_ends_the_job(world: World, job: Job, answer: HttpReply) -> None:
    world.answer(ASK_ADDRESS, answer)
    assert world.submit(job) == ENDING
    verdict = world.now(job).verdict
    assert verdict is not None
    assert verdict.error is not None
    assert verdict.error.code == "upstream_unauthorized"
    assert (paths(world), world.egress.puts) == ([ASK_ADDRESS], {})


def test_an_address_that_will_not_do_ends_the_job(world: World, job: Job) -> None:
    world.egress.put_trouble = UpstreamConfused("the provider's upload address will not do")
    assert world.submit(job) == ENDING
    assert world.now(job).submissions == 0
    assert paths(world) == [ASK_ADDRESS]


def test_a_file_that_cannot_be_read_just_now_costs_time_only(world: World, job: Job) -> None:
    world.egress.put_trouble = StoreUnavailable("throttled")
    assert world.submit(job) == {"status": "pending", "wait_seconds": STORE_TROUBLE_WAIT}
    assert world.now(job) == job
    world.egress.put_trouble = None
    assert world.submit(job)["status"] == "submitted"


def test_uploads_are_given_up_at_the_deadline(world: World, job: Job) -> None:
    world.egress.put_trouble = UpstreamBusy("the upload was answered 503")
    world.clock.advance(1800)
    assert world.submit(job)["status"] == "pending"
    world.clock.advance(0.1)
    assert world.submit(job) == ENDING
    assert paths(world) == [ASK_ADDRESS]


def test_a_create_call_that_is_silent_after_an_upload_is_made_once(world: World, job: Job) -> None:
    world.answer(CREATE, UpstreamSilent("no answer"))
    assert world.submit(job) == world.submit(job) == ENDING
    assert paths(world) == [ASK_ADDRESS, CREATE]


def test_a_create_call_that_is_put_off_is_made_with_a_fresh_address(world: World, job: Job) -> None:
    fresh = PLACE.replace("/1", "/2")
    world.answer(ASK_ADDRESS, reply(200, url=PLACE), reply(200, url=fresh))
    world.answer(CREATE, reply(429), video("queued"))
    assert world.submit(job)["status"] == "pending"
    assert (world.now(job).stage, world.now(job).submissions) == (Stage.WAITING, 1)
    world.clock.advance(PATIENCE)
    assert world.submit(job)["status"] == "submitted"
    assert list(world.egress.puts) == [PLACE, fresh]
    assert world.egress.calls[-1].json["image"] == fresh


def test_a_cancel_that_comes_during_the_upload_is_in_time(world: World, job: Job) -> None:
    world.jobs.before_write = lambda: _cancel(world, job)
    assert world.submit(job)["status"] == "pending"
    assert paths(world) == [ASK_ADDRESS]
    assert world.submit(job) == ENDING
    assert world.finish(job, f"{job.id}-r2")["status"] == "cancelled"


def test_while_a_create_call_may_be_on_its_way_nothing_is_uploaded(world: World, job: Job) -> None:
    world.jobs.change(ACCOUNT, job.id, lambda it: it.submitting(world.clock(), 150.0))
    assert world.submit(job)["status"] == "pending"
    assert (paths(world), world.egress.puts) == ([], {})


def _cancel(world: World, job: Job) -> None:
    world.service.cancel(ACCOUNT, job.id)
