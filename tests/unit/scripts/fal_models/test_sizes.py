from typing import Any

import pytest

from scripts.fal_models.fields import NAMED_SIZES
from scripts.fal_models.sizes import size_of

RATIOS = {"enum": ["auto", "9:16", "16:9"], "default": "auto"}


@pytest.mark.parametrize(
    ("listed", "modality", "names", "spelling"),
    [
        (["720p", "1080p"], "video", ["720p", "1080p"], {}),
        (["720p", "4k"], "video", ["720p", "2160p"], {"2160p": "4k"}),
        (["512P", "768P"], "video", ["512p", "768p"], {"512p": "512P", "768p": "768P"}),
        (["1K", "4K"], "image", ["1024p", "4096p"], {"1024p": "1K", "4096p": "4K"}),
        (["auto", "720p", "true_1080p"], "video", ["720p"], {}),
    ],
)
def test_resolutions_have_neutral_names_and_the_published_spelling(
    listed: list[str], modality: str, names: list[str], spelling: dict[str, str]
):
    found = size_of({"resolution": {"enum": listed}}, {}, modality)
    assert found["resolutions"] == names
    assert found.get("values", {}).get("resolution", {}) == spelling
    assert found["arguments"] == {"resolution": "{resolution}"}


def test_default_resolution_and_ratio_come_first():
    resolution = {"enum": ["480p", "720p"], "default": "720p"}
    found = size_of({"resolution": resolution, "aspect_ratio": RATIOS}, {}, "video")
    assert found["resolutions"] == ["720p", "480p"]
    assert found["aspect_ratios"] == ["16:9", "9:16"]
    assert found["arguments"]["aspect_ratio"] == "{aspect_ratio}"


def test_ratio_alone_has_a_nominal_resolution_that_is_not_sent():
    found = size_of({"aspect_ratio": RATIOS}, {}, "video")
    assert found["resolutions"] == ["720p"]
    assert found["arguments"] == {"aspect_ratio": "{aspect_ratio}"}


def test_hint_gives_the_resolution_of_an_endpoint_without_the_argument():
    hints = {"resolutions": {"1080p": "1080p"}}
    assert size_of({"aspect_ratio": RATIOS}, hints, "video")["resolutions"] == ["1080p"]
    assert size_of({}, hints, "video") == {}


@pytest.mark.parametrize("name", ["video_size", "image_size"])
def test_named_sizes_are_sent_as_width_and_height(name: str):
    named: dict[str, Any] = {
        "anyOf": [{"enum": ["square_hd"]}, {"type": "object"}],
        "default": "square_hd",
    }
    found = size_of({name: named}, {}, "image")
    assert found["sizes"][0] == "1024x1024"
    assert set(found["sizes"]) == set(NAMED_SIZES)
    assert found["arguments"] == {name: {"width": "{width}", "height": "{height}"}}


def test_exact_sizes_are_sent_as_text():
    schema = {"enum": ["auto", "1024x1024", "1536x1024"], "default": "auto"}
    found = size_of({"image_size": schema}, {}, "image")
    assert found == {
        "sizes": ["1024x1024", "1536x1024"],
        "follows_input": True,
        "arguments": {"image_size": "{size}"},
    }


@pytest.mark.parametrize("field", ["aspect_ratio", "video_size"])
@pytest.mark.parametrize(
    ("default", "required", "follows"),
    [
        ({"default": "auto"}, [], True),
        ({"default": "adaptive"}, [], True),
        ({}, [], True),
        ({}, ["aspect_ratio", "video_size"], False),
        ({"default": "16:9"}, [], False),
    ],
)
def test_shape_is_of_the_input_file_if_the_endpoint_has_no_other_default(
    field: str,
    default: dict[str, str],
    required: list[str],
    follows: bool,  # noqa: FBT001 - a parameter
):
    schema = {"enum": ["16:9", "9:16"], **default}
    found = size_of({field: schema}, {}, "video", required)
    assert found.get("follows_input", False) is follows
