"""What the queues' replies may hold, apart from what transcripts show."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rushes.errors import (
    InvalidInputFile,
    UpstreamProtocolError,
    UpstreamRefused,
    UpstreamThrottled,
)
from rushes.jobs.job import Job
from rushes.jobs.request import GenerationRequest, Input, Role, StoredFile
from rushes.ports import HttpReply
from rushes.providers.base import Cancels, Failed, Pending, PollResult, Succeeded
from rushes.providers.fal_queue.fal_queue import Fal, Pipelet

OPERATION = {
    "id": "1",
    "status": "/a/b/requests/1/status",
    "result": "/a/b/requests/1",
    "cancel": "/a/b/requests/1/cancel",
}


def reply(status: int, body: object, **headers: str) -> HttpReply:
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return HttpReply(status, names, json.dumps(body).encode())


def job(**request: Any) -> Job:
    return Job(
        id="job_1",
        account="demo",
        dialect="openai",
        provider="one",
        upstream_model="a/b",
        request=GenerationRequest(model="one/model", **request),
        created_at=0,
        updated_at=0,
        deadline_at=3600,
    )


def accepted(address: str) -> HttpReply:
    names = ("response_url", "status_url", "cancel_url")
    return reply(200, {"request_id": "1", **dict.fromkeys(names, address)})


def polled(**state: Any) -> Any:
    return Fal().polled(OPERATION, reply(200, state))


def parse_result(status: int, body: object, **headers: str) -> PollResult:
    return Fal().parse_result(OPERATION, reply(status, body, **headers))


@pytest.mark.parametrize(
    ("address", "path"),
    [
        ("https://queue.fal.run/a/b/requests/1", "/a/b/requests/1"),
        ("https://queue.fal.run/a/b/requests/1/status?logs=1", "/a/b/requests/1/status"),
        ("https://evil.example/fal/a/b/requests/1", "/a/b/requests/1"),
        ("https://key@evil.example:8/x/y/z/a/b/requests/1#x", "/a/b/requests/1"),
        ("/a/b/requests/1", "/a/b/requests/1"),
        ("https://queue.fal.run/comfy/a/b/requests/1", "/comfy/a/b/requests/1"),
    ],
)
def test_only_the_path_of_an_address_is_kept(address: str, path: str):
    assert Fal().submitted(accepted(address)).operation["result"] == path


@pytest.mark.parametrize(
    "address",
    [
        "",
        "https://queue.fal.run/",
        "https://queue.fal.run/a/requests/1",
        "https://queue.fal.run/a/b/requests/..",
        "https://queue.fal.run/a/b/requests/1/../../account",
        "https://[queue.fal.run/a/b/requests/1",
    ],
)
def test_an_address_that_is_no_request_is_not_followed(address: str):
    with pytest.raises(UpstreamProtocolError):
        Fal().submitted(accepted(address))


@given(st.text(max_size=40))
def test_whatever_address_is_named_the_path_stays_with_the_provider(text: str):
    try:
        path = Fal().submitted(accepted(text)).operation["status"]
    except UpstreamProtocolError:
        return
    assert path.startswith("/")
    assert not path.startswith("//")
    assert "/requests/" in path


def test_pipelets_models_have_one_segment_whatever_is_before_it():
    operation = Pipelet().submitted(accepted("https://x.example/queue/film/requests/12")).operation
    assert operation["result"] == "/film/requests/12"


@pytest.mark.parametrize(
    ("message", "progress"),
    [
        ("Progress: 4/24 Tasks done", 16),
        ("Progress: 24/24 Tasks done", 100),
        ("Progress: 30/24 Tasks done", 100),
        ("Progress: 1/0 Tasks done", None),
        ("almost", None),
        (None, None),
    ],
)
def test_progress_is_read_from_words(message: str | None, progress: int | None):
    messages = {"message": "PROCESSING", "detail_message": message}
    assert polled(status="IN_PROGRESS", statusMessages=messages) == Pending(progress)


@pytest.mark.parametrize(
    ("state", "seconds"),
    [
        ({"queue_position": 0}, None),
        ({"queue_position": 3}, 6.0),
        ({"queue_position": 500}, 30.0),
        ({"queue_position": 3, "etaSeconds": 42}, 42.0),
        ({"etaSeconds": 0}, None),
        ({"etaSeconds": -1}, None),
    ],
)
def test_the_wait_is_what_the_queue_makes_likely(state: dict[str, Any], seconds: float | None):
    assert polled(status="IN_QUEUE", **state) == Pending(None, seconds, queued=True)


def test_retry_after_goes_before_a_guess():
    answer = reply(202, {"status": "IN_QUEUE", "queue_position": 3}, retry_after="17")
    assert Fal().polled(OPERATION, answer) == Pending(None, 17.0, queued=True)


@pytest.mark.parametrize("status", [400, 422, 500, 503, 504])
def test_a_marked_refusal_of_the_result_is_the_end_of_the_job(status: int):
    result = parse_result(status, {"detail": "Runner gone"}, x_fal_error_type="runner_disconnected")
    assert isinstance(result, Failed)
    assert result.error.upstream_code == "runner_disconnected"


def test_what_is_not_about_the_job_does_not_end_it():
    with pytest.raises(UpstreamThrottled):
        parse_result(429, {"detail": "Slowly"}, x_fal_error_type="rate_limited")
    with pytest.raises(UpstreamRefused):
        parse_result(401, {"detail": "No such key"}, x_fal_error_type="unauthorized")
    with pytest.raises(UpstreamThrottled):
        parse_result(500, {"detail": "Internal Server Error"})


def test_long_words_of_a_provider_are_cut():
    faults = [{"loc": ["body", "prompt"], "msg": "x" * 1000, "type": "t" * 200}]
    result = parse_result(422, {"detail": faults})
    assert isinstance(result, Failed)
    assert len(result.error.message) == 300
    assert len(result.error.upstream_code or "") == 80


@pytest.mark.parametrize("body", [[], "text", None, 1])
def test_a_result_that_is_no_object_makes_no_sense(body: object):
    with pytest.raises(UpstreamProtocolError):
        parse_result(200, body)


def test_empty_places_for_files_are_no_files():
    empty: dict[str, Any] = {"video": None, "images": [], "audio": {"url": ""}, "image": {}}
    assert parse_result(200, empty) == Succeeded()


@pytest.mark.parametrize("role", [Role.REFERENCE, Role.SOURCE_VIDEO])
def test_a_file_without_a_place_is_refused(role: Role):
    file = StoredFile(key="inputs/x", content_type="image/png", size=1)
    with pytest.raises(InvalidInputFile, match=role.value):
        Pipelet().submit(job(inputs=(Input(role=role, file=file),)))


def test_falsehood_and_zero_are_said_and_gaps_are_not():
    call = Fal().submit(job(prompt="p", seed=0, generate_audio=False))
    assert call.json == {"prompt": "p", "seed": 0, "generate_audio": False}


def test_each_shows_its_key_in_its_own_way_and_can_be_told_to_stop():
    assert (Fal.profile.key_scheme, Pipelet.profile.key_scheme) == ("Key", "Bearer")
    for provider in (Fal(), Pipelet()):
        assert isinstance(provider, Cancels)
        call = provider.cancel(OPERATION)
        assert (call.method, call.path) == ("PUT", OPERATION["cancel"])
