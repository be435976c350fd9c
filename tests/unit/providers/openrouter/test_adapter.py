from typing import Any

import pytest

from rushes.catalog.model_entry import ModelEntry
from rushes.catalog.vendor_data import read_vendor
from rushes.errors import (
    InvalidInputFile,
    UpstreamError,
    UpstreamNoResponse,
    UpstreamProtocolError,
    UpstreamRefused,
    UpstreamThrottled,
)
from rushes.jobs.request import Role
from rushes.ports.http import JsonFile
from rushes.providers.base import PollResult, Succeeded, SupportsCancel, SupportsLookup
from rushes.providers.openrouter.adapter import OpenRouter
from tests.unit.providers.job import job, json_reply, with_role

JOB = "gen-vid-1760040000-aBcDeFgHiJkLmNoPqRsT"


def parse_poll(**video: Any) -> PollResult:
    return OpenRouter().parse_poll({"id": JOB}, json_reply({"id": JOB, **video}))


def model(identifier: str) -> ModelEntry:
    data = read_vendor("openrouter")
    return next(entry for entry in data.entries() if entry.model_at_provider == identifier)


def test_model_with_arguments_sends_resolution_and_ratio_in_place_of_size():
    request = job("google/veo-3.1", prompt="a", seconds=8, size="3840x2160", negative_prompt="b")
    body = OpenRouter().submit_request(request, model("google/veo-3.1")).json
    assert body == {
        "model": "google/veo-3.1",
        "prompt": "a",
        "duration": 8,
        "resolution": "4K",
        "aspect_ratio": "16:9",
        "provider": {
            "options": {
                "google-vertex": {"negativePrompt": "b"},
                "google-ai-studio": {"negativePrompt": "b"},
            }
        },
    }


def test_frames_and_references_have_their_own_lists():
    frames = job(
        "bytedance/seedance-2.0",
        inputs=[with_role(Role.LAST_FRAME, "last"), with_role(Role.IMAGE, "first")],
    )
    references = job(
        "bytedance/seedance-2.0",
        inputs=[
            with_role(Role.REFERENCE, "one"),
            with_role(Role.REFERENCE, "two"),
            with_role(Role.SOURCE_VIDEO, "clip", "video/mp4"),
        ],
    )
    entry = model("bytedance/seedance-2.0")
    sent = OpenRouter().submit_request(frames, entry).json
    assert [frame["frame_type"] for frame in sent["frame_images"]] == ["first_frame", "last_frame"]
    assert keys_of(sent["frame_images"]) == ["first", "last"]
    assert "input_references" not in sent
    sent = OpenRouter().submit_request(references, entry).json
    assert [entry["type"] for entry in sent["input_references"]] == [
        *("image_url", "image_url", "video_url")
    ]
    assert keys_of(sent["input_references"]) == ["one", "two", "clip"]
    assert "frame_images" not in sent


def keys_of(entries: list[dict[str, Any]]) -> list[str]:
    files: list[JsonFile] = [entry[entry["type"]]["url"] for entry in entries]
    return [file.file.key for file in files]


def test_file_that_the_model_has_no_place_for_is_refused():
    request = job("runway/gen-4.5", inputs=[with_role(Role.AUDIO, content_type="audio/mpeg")])
    with pytest.raises(InvalidInputFile, match="does not accept audio"):
        OpenRouter().submit_request(request, model("runway/gen-4.5"))


@pytest.mark.parametrize(
    "metadata", [{"reasons": ["violence"]}, {"flagged_input": "a"}, {"reasons": ["a"], "x": 1}]
)
def test_403_of_the_moderation_is_a_content_filter(metadata: dict[str, Any]):
    reply = json_reply({"error": {"code": 403, "message": "no", "metadata": metadata}}, 403)
    with pytest.raises(UpstreamRefused) as caught:
        OpenRouter().parse_submit(reply)
    assert caught.value.error_code == "content_filtered"


@pytest.mark.parametrize(
    "error", [{}, {"metadata": None}, {"metadata": {}}, {"metadata": {"reasons": []}}, "text", None]
)
def test_other_403_is_about_the_key(error: object):
    with pytest.raises(UpstreamRefused) as caught:
        OpenRouter().parse_submit(json_reply({"error": error}, 403))
    assert caught.value.error_code == "upstream_unauthorized"


@pytest.mark.parametrize("usage", [None, [], "0.8", {"cost": None}, {"is_byok": True}])
def test_usage_without_a_cost_costs_no_result(usage: object):
    result = parse_poll(status="completed", unsigned_urls=["https://a.example/0"], usage=usage)
    assert isinstance(result, Succeeded)
    assert result.cost is None
    assert len(result.outputs) == 1


def test_each_output_is_read_with_the_key_from_its_content_path():
    result = parse_poll(status="completed", urls=["https://a.example/0", "https://a.example/1"])
    assert isinstance(result, Succeeded)
    assert [(output.url, output.needs_key) for output in result.outputs] == [
        (f"/videos/{JOB}/content?index=0", True),
        (f"/videos/{JOB}/content?index=1", True),
    ]


@pytest.mark.parametrize(
    ("code", "error"),
    [
        (402, UpstreamRefused),
        (429, UpstreamThrottled),
        (502, UpstreamNoResponse),
        ("insufficient_credits", UpstreamProtocolError),  # no HTTP status
    ],
)
def test_error_in_a_successful_create_reply_has_the_status_of_its_code(
    code: object, error: type[UpstreamError]
):
    body = {"error": {"code": code, "message": "Insufficient credits"}}
    with pytest.raises(error):
        OpenRouter().parse_submit(json_reply(body, 200))


def test_error_in_a_successful_poll_reply_is_retried_if_its_code_says_so():
    reply = json_reply({"error": {"code": 503, "message": "overloaded"}}, 200)
    with pytest.raises(UpstreamThrottled):
        OpenRouter().parse_poll({"id": JOB}, reply)


def test_urls_that_are_no_list_are_invalid():
    with pytest.raises(UpstreamProtocolError, match="unsigned_urls"):
        parse_poll(status="completed", unsigned_urls="https://a.example/0")


def test_openrouter_has_neither_cancel_nor_lookup():
    assert not isinstance(OpenRouter(), SupportsCancel)
    assert not isinstance(OpenRouter(), SupportsLookup)


@pytest.mark.parametrize("name", [JOB, "a/b", "../../models"])
def test_id_is_one_path_segment(name: str):
    path = OpenRouter().poll_request({"id": name}).path
    assert path.startswith("/videos/")
    assert path.count("/") == 2
