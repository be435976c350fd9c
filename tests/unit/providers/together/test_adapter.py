from typing import Any

from rushes.catalog.model_entry import ModelEntry
from rushes.jobs.request import Input, Role
from rushes.ports.http import HttpCall, JsonFile
from rushes.providers.together.adapter import Together
from tests.unit.providers.job import job, with_role

WAN = ModelEntry.model_validate(
    {
        "name": "one/wan",
        "seconds": [5],
        "resolutions": ["720p"],
        "aspect_ratios": ["16:9", "9:16"],
        "inputs": ["image", "last_frame"],
        "values": {"resolution": {"720p": "720P"}},
        "files": {"forms": ["link"]},
        "arguments": {
            "model": "{model}",
            "prompt": "{prompt}",
            "seconds": "{seconds!text}",
            "resolution": "{resolution}",
            "ratio": "{aspect_ratio}",
            "media": {
                "frame_images": [
                    {"input_image": "{image}", "frame": "first"},
                    {"input_image": "{last_frame}", "frame": "last"},
                ]
            },
        },
    }
)


def test_model_with_arguments_is_sent_in_its_own_spelling():
    wan = job("Wan-AI/wan2.7", prompt="a fox", seconds=5, size="720x1280")
    assert Together().submit_request(wan, WAN) == HttpCall(
        "POST",
        "/v2/videos",
        json={
            "model": "Wan-AI/wan2.7",
            "prompt": "a fox",
            "seconds": "5",
            "resolution": "720P",
            "ratio": "9:16",
        },
    )


def test_frames_of_a_model_with_arguments_are_links():
    image = with_role(Role.IMAGE)
    wan = job("Wan-AI/wan2.7", prompt="a fox", seconds=5, size="1280x720", inputs=(image,))
    media = Together().submit_request(wan, WAN).json["media"]
    assert image.file is not None
    first = {"input_image": JsonFile(image.file, "link"), "frame": "first"}
    assert media == {"frame_images": [first]}


def test_model_without_arguments_has_width_and_height():
    hailuo = job("minimax/hailuo-02", prompt="a fox", seconds=6, size="1366x768")
    call = Together().submit_request(hailuo, ModelEntry(name="one/hailuo"))
    assert call == Together().submit_request(hailuo)
    assert (call.json["width"], call.json["height"], call.json["seconds"]) == (1366, 768, "6")


def test_all_media_are_sent_in_the_published_form():
    def given(role: Role, key: str, frame: int | None = None) -> Input:
        return with_role(role, key).model_copy(update={"frame": frame})

    inputs = (
        given(Role.LAST_FRAME, "last"),
        given(Role.FRAME, "late", 48),
        given(Role.FRAME, "early", 24),
        given(Role.IMAGE, "first"),
        given(Role.FRAME_VIDEO, "clip"),
        *(given(Role.REFERENCE, key) for key in ("r1", "r2")),
        *(given(Role.REFERENCE_VIDEO, key) for key in ("v1", "v2")),
        given(Role.SOURCE_VIDEO, "source"),
        *(given(Role.AUDIO, key) for key in ("a1", "a2")),
    )
    media = Together().submit_request(job("any", prompt="a fox", inputs=inputs)).json["media"]
    assert keys_of(media) == {
        "frame_images": [
            {"input_image": "first", "frame": "first"},
            {"input_image": "early", "frame": 24},
            {"input_image": "late", "frame": 48},
            {"input_image": "last", "frame": "last"},
        ],
        "frame_videos": [{"video": "clip"}],
        "reference_images": ["r1", "r2"],
        "reference_videos": [{"video": "v1"}, {"video": "v2"}],
        "source_video": "source",
        "audio_inputs": ["a1", "a2"],
    }


def keys_of(value: Any) -> Any:
    """Return a body with the key of each linked file."""
    if isinstance(value, JsonFile):
        assert value.form == "link"
        return value.file.key
    if isinstance(value, dict):
        return {name: keys_of(member) for name, member in value.items()}
    return [keys_of(member) for member in value] if isinstance(value, list) else value
