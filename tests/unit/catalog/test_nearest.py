"""The nearest length and size that a model accepts."""

from typing import Any

import pytest

from rushes.catalog.model_entry import ModelEntry
from rushes.errors import InvalidRequest
from tests.unit.catalog.video_model import model, request


@pytest.mark.parametrize(
    ("given", "seconds", "size", "changes"),
    [
        ({"seconds": 12}, 8, "1280x720", ["seconds 12 was changed to 8"]),
        ({"seconds": 4}, 4, "1280x720", []),
        (
            {"size": "1024x1792", "seconds": 4},
            4,
            "720x1280",  # 1080p would force 8 seconds
            ["size 1024x1792 was changed to 720x1280"],
        ),
        (
            {"size": "1024x1792", "seconds": 12},
            8,
            "1080x1920",
            ["seconds 12 was changed to 8", "size 1024x1792 was changed to 1080x1920"],
        ),
        ({"size": "1280x720"}, 6, "1280x720", []),
        ({"size": "1276x720"}, 6, "1276x720", []),
    ],
)
def test_nearest_keeps_the_orientation_then_the_length_then_the_resolution(
    given: dict[str, Any], seconds: int, size: str, changes: list[str]
) -> None:
    adapted, warnings = model().nearest(request(**given))
    assert (adapted.seconds, adapted.size) == (seconds, size)
    assert len(warnings) == len(changes)
    for warning, change in zip(warnings, changes, strict=True):
        assert warning == f"{change}, the nearest that one/model accepts"
    assert model().accepts(adapted)


@pytest.mark.parametrize(
    ("changes", "size", "nearest"),
    [
        # Accepted sizes are kept, although the exact ratio of another size is nearer.
        ({"resolutions": ["720p", "480p"]}, "832x480", "832x480"),
        ({"aspect_ratios": []}, "1000x720", "1000x720"),
        # Ratios within the tolerance are equal: the number of pixels decides.
        (
            {"resolutions": [], "aspect_ratios": [], "sizes": ["864x496", "1920x1080"]},
            "1792x1024",
            "1920x1080",
        ),
        ({"resolutions": ["480p", "1080p"]}, "1366x768", "1920x1080"),
        # The width is absent: the model's own shape is kept.
        ({"resolutions": ["480p"]}, "x720", "854x480"),
        (
            {"resolutions": [], "aspect_ratios": [], "sizes": ["1248x704", "544x736"]},
            "x720",
            "1248x704",
        ),
    ],
)
def test_nearest_size(changes: dict[str, Any], size: str, nearest: str) -> None:
    entry = model(rules=[], prices=[], **changes)
    adapted, warnings = entry.nearest(request(size=size, seconds=12))
    assert adapted.size == nearest
    assert len(warnings) == 1 + (size != nearest)


def test_nearest_leaves_an_accepted_size_that_a_rule_forbids() -> None:
    adapted, _ = model(resolutions=["720p", "480p"]).nearest(
        request(size="480x832", provider_options={"mode": "pro"}, generate_audio=False)
    )
    assert adapted.size == "854x480"  # the mode has 16:9 only


def test_nearest_of_a_model_without_seconds_and_sizes_drops_them_with_a_warning() -> None:
    plain = ModelEntry(name="one/plain")
    adapted, warnings = plain.nearest(request(seconds=4, size="1280x720"))
    assert (adapted.seconds, adapted.size) == (None, None)
    assert warnings == (
        "seconds 4 was ignored: one/plain does not accept seconds",
        "size 1280x720 was ignored: one/plain does not accept size",
    )


def test_nearest_refuses_other_fields() -> None:
    with pytest.raises(InvalidRequest, match="does not accept fps"):
        model().nearest(request(seconds=12, provider_options={"fps": 1}))


@pytest.mark.parametrize(
    "size", ["large", "720p", "0x720", "1280x", "x", "1280x720x1", "\u0661x720"]
)
def test_nearest_refuses_a_size_that_is_none(size: str) -> None:
    with pytest.raises(InvalidRequest, match="size must be one of"):
        model().nearest(request(size=size))


def test_nearest_reports_another_height_than_the_requested_one() -> None:
    adapted, warnings = model().nearest(request(size="x480"))
    assert adapted.size == "1280x720"
    assert warnings == ("size x480 was changed to 1280x720, the nearest that one/model accepts",)
    assert model().nearest(request(size="x720"))[1] == ()


def test_nearest_chooses_a_default_size_that_the_length_allows() -> None:
    entry = model(resolutions=["1080p", "720p"], seconds=[8, 4])
    adapted, _ = entry.nearest(request(seconds=4))
    assert (adapted.seconds, adapted.size) == (4, "1280x720")
    assert entry.accepts(adapted)
