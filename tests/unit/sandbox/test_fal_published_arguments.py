import asyncio
from pathlib import Path
from typing import Any, cast

import pytest

from sandbox.jobs import Sandbox
from sandbox.protocols.fal_queue.published_arguments import build_spec, result_of
from sandbox.protocols.fal_queue.published_models import PublishedEndpoint
from sandbox.published import Settings
from sandbox.rendering.render_spec import RenderSpec

PIXEL = (
    "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGA"
    "WjR9awAAAABJRU5ErkJggg=="
)
FILE = {"url": "https://files.example/1", "file_size": 1}


class Folder:
    """The part of the sandbox that stores input files."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder


def spec_of(folder: Path, modality: str = "video", **arguments: Any) -> RenderSpec:
    endpoint = PublishedEndpoint(modality, Settings(8, "1280x720"), {}, {})
    sandbox = cast("Sandbox", Folder(folder))
    return asyncio.run(build_spec(sandbox, "owner/app", endpoint, arguments))


@pytest.mark.parametrize(
    ("arguments", "seconds"),
    [
        ({}, 8),
        ({"duration": "4s"}, 4),
        ({"duration": "10"}, 10),
        ({"duration": 6}, 6),
        ({"duration": "auto"}, 8),
        ({"num_frames": 81, "frames_per_second": 16}, 5),
        ({"num_frames": "129"}, 5),
        ({"music_length_ms": 30_000}, 30),
        ({"duration": 600}, 60),
    ],
)
def test_length_is_read_in_each_of_its_forms(tmp_path, arguments, seconds):
    assert spec_of(tmp_path, **arguments).seconds == seconds


@pytest.mark.parametrize(
    ("arguments", "size"),
    [
        ({}, "1280x720"),
        ({"resolution": "480p", "aspect_ratio": "9:16"}, "480x854"),
        ({"resolution": "768P"}, "1366x768"),
        ({"resolution": "4k"}, "2048x1152"),
        ({"aspect_ratio": "auto"}, "1280x720"),
        ({"video_size": {"width": 1024, "height": 576}}, "1024x576"),
        ({"dimensions": "1152x1152"}, "1152x1152"),
        ({"image_size": {"width": 4096, "height": 2048}}, "2048x1024"),
    ],
)
def test_size_is_read_in_each_of_its_forms_and_limited(tmp_path, arguments, size):
    assert spec_of(tmp_path, **arguments).size == size


@pytest.mark.parametrize("name", ["image_url", "start_image_url", "first_frame_url"])
def test_first_frame_is_the_background(tmp_path, name):
    assert spec_of(tmp_path, **{name: PIXEL}).image is not None


def test_first_reference_image_is_the_background(tmp_path):
    assert spec_of(tmp_path, image_urls=[PIXEL, PIXEL]).image is not None


def test_recording_is_stored_for_its_transcription(tmp_path):
    spec = spec_of(tmp_path, "transcription", audio_url="data:audio/wav;base64,AAAA")
    assert spec.audio is not None
    assert spec.audio.read_bytes() == b"\0\0\0"


def test_prompt_has_the_name_of_the_endpoint(tmp_path):
    assert spec_of(tmp_path, "audio", text="Hello").prompt == "Hello"


def test_result_has_the_published_form():
    output = {"video_url": "url", "images": ["file"], "model_urls": {"glb": "file"}}
    assert result_of(output, FILE) == {
        "video_url": FILE["url"],
        "images": [FILE],
        "model_urls": {"glb": FILE},
    }
