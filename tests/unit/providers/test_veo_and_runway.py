"""Files and sizes that Runway and Google's Veo are asked for, and odd ends of operations."""

import json
from typing import Any

import pytest

from rushes.errors import InvalidInputFile, UpstreamProtocolError
from rushes.jobs.job import Job
from rushes.jobs.request import GenerationRequest, Input, Role, StoredFile
from rushes.ports import HttpReply
from rushes.providers.base import Failed, Succeeded
from rushes.providers.google.gemini import Gemini
from rushes.providers.google.vertex import Vertex
from rushes.providers.runway.adapter import Runway

FILE = StoredFile(key="k", content_type="image/png", size=1)


def job(**fields: Any) -> Job:
    return Job(
        id="job_1",
        account="demo",
        dialect="openai",
        provider="one",
        upstream_model="m/1",
        request=GenerationRequest.model_validate({"model": "one/m", "prompt": "a fox", **fields}),
        created_at=0,
        updated_at=0,
        deadline_at=3600,
    )


@pytest.mark.parametrize(
    ("size", "shape", "lines"),
    [
        ("1280x720", "16:9", "720p"),
        ("1080x1920", "9:16", "1080p"),
        ("3840x2160", "16:9", "4k"),
        ("128x72", "16:9", "72p"),
    ],
)
def test_veo_is_told_a_size_as_shape_and_lines(size: str, shape: str, lines: str):
    for provider in (Gemini(), Vertex()):
        wanted = provider.submit(job(size=size)).json["parameters"]
        assert (wanted["aspectRatio"], wanted["resolution"]) == (shape, lines)


def test_what_was_not_asked_for_is_not_sent():
    assert Gemini().submit(job()).json == {"instances": [{"prompt": "a fox"}], "parameters": {}}
    assert Vertex().submit(job()).json["parameters"] == {"sampleCount": 1}
    assert Runway().submit(job(prompt="")).json == {"model": "m/1"}


def test_a_model_is_one_segment_of_the_path():
    assert Gemini().submit(job()).path == "/models/m%2F1:predictLongRunning"
    assert Vertex().submit(job()).path == "/models/m%2F1:predictLongRunning"


@pytest.mark.parametrize(
    ("provider", "role"),
    [
        *((Gemini(), Role.SOURCE_VIDEO), (Vertex(), Role.AUDIO)),
        *((Runway(), Role.REFERENCE), (Runway(), Role.AUDIO)),
    ],
)
def test_a_file_that_there_is_no_place_for_is_refused_by_its_role(provider: Any, role: Role):
    with pytest.raises(InvalidInputFile, match=role.value):
        provider.submit(job(inputs=(Input(role=role, file=FILE),)))


def test_runway_is_told_where_a_lonely_last_picture_belongs():
    call = Runway().submit(job(inputs=(Input(role=Role.LAST_FRAME, file=FILE),)))
    assert call.path == "/image_to_video"
    assert [it["position"] for it in call.json["promptImage"]] == ["last"]


def vertex(**operation: Any) -> Any:
    body = json.dumps({"name": "n", "done": True, **operation}).encode()
    return Vertex().polled({"name": "n", "model": "m"}, HttpReply(200, {}, body))


def test_each_film_of_an_answer_is_taken_from_its_own_place():
    film = {"bytesBase64Encoded": "AAAA", "mimeType": "video/mp4"}
    result = vertex(response={"videos": [film, film]})
    assert isinstance(result, Succeeded)
    places = [f"/response/videos/{number}/bytesBase64Encoded" for number in (0, 1)]
    assert [it.pointer for it in result.outputs] == places


def test_a_film_beside_a_withheld_one_counts():
    result = vertex(
        response={"raiMediaFilteredCount": 1, "videos": [{"bytesBase64Encoded": "AAAA"}]}
    )
    assert isinstance(result, Succeeded)


def test_a_withheld_film_without_a_reason_is_content_filtered_all_the_same():
    result = vertex(response={"raiMediaFilteredCount": 1})
    assert isinstance(result, Failed)
    assert result.error.code == "content_filtered"


@pytest.mark.parametrize(
    "name", ["", "operations/1", "models/m/operations/", "models//operations/1"]
)
def test_an_operation_without_a_model_makes_no_sense(name: str):
    with pytest.raises(UpstreamProtocolError, match="no model in its name"):
        Vertex().submitted(HttpReply(200, {}, json.dumps({"name": name}).encode()))
