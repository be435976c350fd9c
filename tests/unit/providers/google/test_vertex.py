from typing import Any

import pytest

from rushes.catalog.vendor_data import read_vendor
from rushes.errors import UpstreamProtocolError
from rushes.jobs.request import Role
from rushes.providers.base import Failed, PollResult, Succeeded
from rushes.providers.google.vertex import Vertex
from tests.unit.providers.job import job, json_reply, with_role


def parse_poll(**operation: Any) -> PollResult:
    body = {"name": "n", "done": True, **operation}
    return Vertex().parse_poll({"name": "n", "model": "m"}, json_reply(body))


def test_each_inline_video_has_its_own_pointer():
    video = {"bytesBase64Encoded": "AAAA", "mimeType": "video/mp4"}
    result = parse_poll(response={"videos": [video, video]})
    assert isinstance(result, Succeeded)
    pointers = [f"/response/videos/{number}/bytesBase64Encoded" for number in (0, 1)]
    assert [output.pointer for output in result.outputs] == pointers


def test_video_beside_a_withheld_one_succeeds():
    response = {"raiMediaFilteredCount": 1, "videos": [{"bytesBase64Encoded": "AAAA"}]}
    assert isinstance(parse_poll(response=response), Succeeded)


def test_withheld_video_without_reason_is_content_filtered():
    result = parse_poll(response={"raiMediaFilteredCount": 1})
    assert isinstance(result, Failed)
    assert result.error.code == "content_filtered"


@pytest.mark.parametrize(
    "name", ["", "operations/1", "models/m/operations/", "models//operations/1"]
)
def test_operation_without_a_model_is_invalid(name: str):
    with pytest.raises(UpstreamProtocolError, match="no model in its name"):
        Vertex().parse_submit(json_reply({"name": name}))


def test_arguments_of_the_catalog_s_model_are_one_instance_and_its_parameters():
    model = next(read_vendor("vertex").entries())
    references = [with_role(Role.REFERENCE, key) for key in ("a", "b")]
    request = job(
        "veo-3.1-fast-generate-001",
        prompt="A fox",
        seconds=8,
        size="3840x2160",
        inputs=references,
        generate_audio=False,
        provider_options={"resizeMode": "PAD"},
    )
    call = Vertex().submit_request(request, model)
    assert call.path == "/models/veo-3.1-fast-generate-001:predictLongRunning"
    (instance,) = call.json["instances"]
    assert [
        entry["image"]["bytesBase64Encoded"].file.key for entry in instance["referenceImages"]
    ] == [
        "a",
        "b",
    ]
    assert call.json["parameters"] == {
        "sampleCount": 1,
        "durationSeconds": 8,
        "resolution": "4k",
        "aspectRatio": "16:9",
        "generateAudio": False,
        "resizeMode": "PAD",
    }
