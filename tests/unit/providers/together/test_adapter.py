from rushes.catalog.model_entry import ModelEntry
from rushes.jobs.request import Role
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
