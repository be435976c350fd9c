from typing import Any

import pytest

from rushes.catalog.vendor_data import read_vendor
from rushes.errors import InvalidInputFile, UpstreamProtocolError
from rushes.jobs.request import Role
from rushes.ports.http import BucketFolder, JsonFile
from rushes.providers.base import Succeeded
from rushes.providers.bedrock.adapter import Bedrock
from tests.unit.providers.job import job, json_reply, with_role

ARN = "arn:aws:bedrock:us-west-2:123456789012:async-invoke/abc123def456"


def completed(**members: Any) -> object:
    body = {"status": "Completed", **members}
    return Bedrock().parse_poll({"arn": ARN}, json_reply(body))


def test_token_of_the_create_call_is_the_create_key():
    """A repeated call with it returns the same invocation."""
    request = job(prompt="A fox")
    body = Bedrock().submit_request(request).json
    assert body["clientRequestToken"] == request.create_key
    assert body == Bedrock().submit_request(request).json


def test_output_goes_to_the_folder_of_the_job():
    config = Bedrock().submit_request(job(prompt="A fox")).json["outputDataConfig"]
    assert config == {"s3OutputDataConfig": {"s3Uri": BucketFolder("provider/demo/job_1/")}}


@pytest.mark.parametrize(
    ("roles", "frames"),
    [
        ((), None),
        ((Role.IMAGE,), ["frame0"]),
        ((Role.LAST_FRAME,), ["frame1"]),
        ((Role.IMAGE, Role.LAST_FRAME), ["frame0", "frame1"]),
    ],
)
def test_keyframes_are_image_objects(roles: tuple[Role, ...], frames: list[str] | None):
    model = next(read_vendor("bedrock").entries())
    inputs = [with_role(role, content_type="image/jpeg") for role in roles]
    request = job(prompt="A fox", seconds=9, size="960x540", inputs=inputs)
    model_input = Bedrock().submit_request(request, model).json["modelInput"]
    keyframes = model_input.pop("keyframes", None)
    assert model_input == {
        "prompt": "A fox",
        "duration": "9s",
        "resolution": "540p",
        "aspect_ratio": "16:9",
    }
    assert (list(keyframes) if keyframes else None) == frames
    for frame in (keyframes or {}).values():
        assert frame["type"] == "image"
        assert isinstance(frame["source"].pop("data"), JsonFile)
        assert frame["source"] == {"type": "base64", "media_type": "image/jpeg"}


def test_file_of_a_model_without_arguments_is_refused():
    with pytest.raises(InvalidInputFile, match="Bedrock does not accept image"):
        Bedrock().submit_request(job(inputs=[with_role(Role.IMAGE)]))


def test_completed_invocation_without_an_output_has_none():
    assert completed() == Succeeded()


@pytest.mark.parametrize("config", [{}, {"s3OutputDataConfig": {}}, "s3://bucket"])
def test_output_of_another_form_is_invalid(config: object):
    with pytest.raises(UpstreamProtocolError, match="outputDataConfig"):
        completed(outputDataConfig=config)
