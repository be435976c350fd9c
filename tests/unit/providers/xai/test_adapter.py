import pytest

from rushes.catalog.vendor_data import read_vendor
from rushes.errors import InvalidInputFile, UpstreamProtocolError, UpstreamRefused
from rushes.jobs.request import Role
from rushes.ports.http import HttpReply
from rushes.providers.base import Failed, Pending, Submitted, Succeeded
from rushes.providers.xai.adapter import XAI
from tests.unit.providers.job import job, json_reply, with_role

POLLED = {"id": "1"}
VIDEO = {"url": "https://vidgen.example/1.mp4", "respect_moderation": True}


@pytest.mark.parametrize("body", [b"", b"\n"])
def test_reply_202_without_a_body_is_pending(body: bytes):
    assert XAI().parse_poll(POLLED, HttpReply(202, {"retry-after": "3"}, body)) == Pending(
        wait_seconds=3
    )


def test_reply_200_without_a_body_is_invalid():
    with pytest.raises(UpstreamProtocolError):
        XAI().parse_poll(POLLED, HttpReply(200, {}, b""))


@pytest.mark.parametrize(("progress", "percent"), [(0, 0), (55, 55), (250, 100), ("x", None)])
def test_progress_is_a_percentage(progress: object, percent: int | None):
    reply = json_reply({"status": "pending", "progress": progress}, status=202)
    assert XAI().parse_poll(POLLED, reply) == Pending(percent)


def test_done_without_a_url_is_filtered_only_if_moderation_says_so():
    blocked = json_reply({"status": "done", "video": {"respect_moderation": False}})
    result = XAI().parse_poll(POLLED, blocked)
    assert isinstance(result, Failed)
    assert result.error.code == "content_filtered"
    with pytest.raises(UpstreamProtocolError, match="done without a video"):
        XAI().parse_poll(POLLED, json_reply({"status": "done", "video": {}}))


@pytest.mark.parametrize(
    ("code", "message", "expected"),
    [
        ("invalid_argument", "Blocked by content moderation.", "content_filtered"),
        ("invalid_argument", "duration must be at most 15", "upstream_failed"),
        ("internal_error", "moderation service down", "upstream_failed"),
        ("permission_denied", "no access", "upstream_failed"),
        ("failed_precondition", "no 1080p", "upstream_failed"),
        ("service_unavailable", "overloaded", "upstream_failed"),
    ],
)
def test_codes_of_a_failed_video(code: str, message: str, expected: str):
    reply = json_reply({"status": "failed", "error": {"code": code, "message": message}})
    result = XAI().parse_poll(POLLED, reply)
    assert isinstance(result, Failed)
    assert (result.error.code, result.error.upstream_code) == (expected, code)


@pytest.mark.parametrize(
    ("usage", "cost"),
    [({"cost_in_usd_ticks": 500_000_000}, 0.05), ({}, None), (None, None), ("x", None)],
)
def test_cost_is_in_ticks(usage: object, cost: float | None):
    reply = json_reply({"status": "done", "video": VIDEO, "usage": usage})
    result = XAI().parse_poll(POLLED, reply)
    assert isinstance(result, Succeeded)
    assert result.cost == cost


def test_images_of_the_create_call_are_the_result_of_any_poll():
    created = XAI().parse_submit(
        json_reply({"data": [{"url": "https://a.example/1"}, {"url": "https://a.example/2"}]})
    )
    assert XAI().poll_request(created.operation).path == "/models"
    result = XAI().parse_poll(created.operation, HttpReply(500, {}, b"oops"))
    assert isinstance(result, Succeeded)
    assert [output.url for output in result.outputs] == [
        "https://a.example/1",
        "https://a.example/2",
    ]


def test_blocked_image_is_a_content_filter():
    with pytest.raises(UpstreamRefused) as raised:
        XAI().parse_submit(json_reply({"data": [{"respect_moderation": False}]}))
    assert raised.value.error_code == "content_filtered"


def test_request_id_is_quoted_in_the_path():
    submitted = XAI().parse_submit(json_reply({"request_id": "a/b"}))
    assert submitted == Submitted({"id": "a/b"})
    assert XAI().poll_request(submitted.operation).path == "/videos/a%2Fb"


def test_source_video_excludes_other_files():
    files = (with_role(Role.SOURCE_VIDEO), with_role(Role.IMAGE))
    with pytest.raises(InvalidInputFile, match="xAI does not accept image"):
        XAI().submit_request(job(prompt="a", inputs=files))


@pytest.mark.parametrize("role", [Role.IMAGE, Role.LAST_FRAME, Role.REFERENCE])
def test_files_have_their_fields(role: Role):
    fields = {Role.IMAGE: "image", Role.LAST_FRAME: "last_frame"}
    call = XAI().submit_request(job(prompt="a", inputs=(with_role(role),)))
    assert call.path == "/videos/generations"
    assert fields.get(role, "reference_images") in call.json


def test_every_model_has_a_path():
    for model in read_vendor("xai").entries():
        assert model.path.startswith(("/videos/", "/images/")), model.name
