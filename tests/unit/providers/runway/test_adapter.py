from dataclasses import replace

import pytest

from rushes.catalog.model_entry import ModelEntry
from rushes.catalog.vendor_data import read_vendor
from rushes.errors import InvalidInputFile, UpstreamRefused
from rushes.jobs.request import Input, Role, StoredFile
from rushes.ports.http import JsonFile
from rushes.providers.base import Failed, Pending, Succeeded
from rushes.providers.runway.adapter import Runway
from tests.unit.providers.job import job, json_reply, with_role


def model(name: str) -> ModelEntry:
    return next(entry for entry in read_vendor("runway").entries() if entry.name == name)


def file_of(role: Role, size: int, content_type: str = "image/png") -> Input:
    return Input(role=role, file=StoredFile(key="k", content_type=content_type, size=size))


def test_absent_fields_are_not_sent():
    assert Runway().submit_request(job(prompt="")).json == {"model": "m/1"}


def test_last_frame_alone_has_a_position():
    call = Runway().submit_request(job(inputs=(with_role(Role.LAST_FRAME),)))
    assert call.path == "/image_to_video"
    assert [image["position"] for image in call.json["promptImage"]] == ["last"]


def test_model_with_arguments_decides_names_and_path():
    entry = model("runway/hailuo3")
    given = job("hailuo3", prompt="A fox", seconds=6, size="1366x768")
    call = Runway().submit_request(given, entry)
    assert call.path == "/text_to_video"
    assert call.json == {
        "model": "hailuo3",
        "promptText": "A fox",
        "ratio": "16:9",
        "resolution": "768p",
        "duration": 6,
    }
    with_frame = given.model_copy(
        update={"request": given.request.model_copy(update={"inputs": (with_role(Role.IMAGE),)})}
    )
    call = Runway().submit_request(with_frame, entry)
    assert call.path == "/image_to_video"
    assert [image["position"] for image in call.json["promptImage"]] == ["first"]
    assert call.headers == {"x-runway-version": "2024-11-06"}


def test_size_is_spelled_as_the_offered_one_that_it_stands_for():
    call = Runway().submit_request(
        job("seedance2", prompt="A fox", seconds=4, size="854x480"), model("runway/seedance2")
    )
    assert call.json["ratio"] == "864:496"


@pytest.mark.parametrize(("size", "form"), [(3_300_000, "data_url"), (6_000_000, "link")])
def test_image_above_the_limit_of_data_urls_is_sent_as_a_link(size: int, form: str):
    given = job("gen4_turbo", prompt="A fox", inputs=(file_of(Role.IMAGE, size),))
    image = Runway().submit_request(given, model("runway/gen4_turbo")).json["promptImage"]
    assert isinstance(image, JsonFile)
    assert image.form == form


def test_video_may_be_larger_than_an_image():
    given = job("aleph2", prompt="A fox", inputs=(file_of(Role.SOURCE_VIDEO, 30_000_000),))
    video = Runway().submit_request(given, model("runway/aleph2")).json["videoUri"]
    assert video.form == "link"


@pytest.mark.parametrize(
    ("role", "name", "size", "limit"),
    [
        (Role.IMAGE, "runway/gen4_turbo", 16_000_001, 16_000_000),
        (Role.SOURCE_VIDEO, "runway/aleph2", 32_000_001, 32_000_000),
    ],
)
def test_file_that_runway_does_not_fetch_is_refused(role: Role, name: str, size: int, limit: int):
    given = job("m", prompt="A fox", inputs=(file_of(role, size),))
    with pytest.raises(InvalidInputFile, match=f"{role} must have at most {limit} bytes"):
        Runway().submit_request(given, model(name))


@pytest.mark.parametrize(
    ("progress", "percent"), [(0.4, 40), (0, 0), (-1, 0), (1e308, 100), (-1e308, 0), (None, None)]
)
def test_progress_is_clamped(progress: float | None, percent: int | None):
    reply = json_reply({"id": "1", "status": "RUNNING", "progress": progress})
    assert Runway().parse_poll({"id": "1"}, reply) == Pending(percent)


def test_throttled_task_is_queued():
    reply = json_reply({"id": "1", "status": "THROTTLED"})
    assert Runway().parse_poll({"id": "1"}, reply) == Pending(queued=True)


@pytest.mark.parametrize(
    ("cost", "dollars"), [({"credits": 96}, 0.96), ({"credits": 0}, 0), ({}, None), (None, None)]
)
def test_cost_is_reported_in_credits(cost: object, dollars: float | None):
    reply = json_reply(
        {"id": "1", "status": "SUCCEEDED", "output": ["https://a.example/1.mp4"], "cost": cost}
    )
    result = Runway().parse_poll({"id": "1"}, reply)
    assert isinstance(result, Succeeded)
    assert replace(result, outputs=()) == Succeeded(cost=dollars)


@pytest.mark.parametrize(
    ("failure_code", "code"),
    [
        ("SAFETY.INPUT.IMAGE", "content_filtered"),
        ("SAFETY.OUTPUT.VIDEO", "content_filtered"),
        ("INPUT_PREPROCESSING.SAFETY.TEXT", "content_filtered"),
        ("INPUT_PREPROCESSING.INTERNAL", "upstream_failed"),
        ("ASSET.INVALID", "upstream_failed"),
        ("INTERNAL.BAD_OUTPUT.CODE01", "upstream_failed"),
        ("THIRD_PARTY.UNAVAILABLE", "upstream_failed"),
        (None, "upstream_failed"),
    ],
)
def test_failure_codes_of_the_moderation_are_content_filters(failure_code: str | None, code: str):
    reply = json_reply({"id": "1", "status": "FAILED", "failureCode": failure_code})
    result = Runway().parse_poll({"id": "1"}, reply)
    assert isinstance(result, Failed)
    assert result.error.code == code


@pytest.mark.parametrize(
    ("issues", "message"),
    [
        ([{"path": ["duration"], "message": "Too big"}], "Validation failed: duration: Too big"),
        ([{"message": "Too big"}, {"path": []}], "Validation failed: Too big"),
        ("none", "Validation failed"),
        ([], "Validation failed"),
    ],
)
def test_refusal_names_the_fields(issues: object, message: str):
    reply = json_reply({"error": "Validation failed", "issues": issues}, status=400)
    with pytest.raises(UpstreamRefused) as raised:
        Runway().parse_submit(reply)
    assert raised.value.message == f"the provider refused the request (400): {message}"
