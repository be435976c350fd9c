"""Create requests of Veo, common to the Gemini API and Vertex AI."""

import pytest

from rushes.providers.google.gemini import Gemini
from rushes.providers.google.vertex import Vertex
from tests.unit.providers.job import job

PROVIDERS = (Gemini(), Vertex())


@pytest.mark.parametrize(
    ("size", "ratio", "resolution"),
    [
        ("1280x720", "16:9", "720p"),
        ("1080x1920", "9:16", "1080p"),
        ("3840x2160", "16:9", "4k"),
        ("128x72", "16:9", "72p"),
    ],
)
def test_size_is_sent_as_aspect_ratio_and_resolution(size: str, ratio: str, resolution: str):
    for provider in PROVIDERS:
        parameters = provider.submit_request(job(prompt="a fox", size=size)).json["parameters"]
        assert (parameters["aspectRatio"], parameters["resolution"]) == (ratio, resolution)


def test_absent_fields_are_not_sent():
    fox = job(prompt="a fox")
    body = {"instances": [{"prompt": "a fox"}], "parameters": {}}
    assert Gemini().submit_request(fox).json == body
    assert Vertex().submit_request(fox).json["parameters"] == {"sampleCount": 1}


def test_model_is_one_path_segment():
    for provider in PROVIDERS:
        assert provider.submit_request(job()).path == "/models/m%2F1:predictLongRunning"
