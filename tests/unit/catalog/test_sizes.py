import pytest

from rushes.catalog.sizes import (
    aspect_ratio,
    exact_ratio,
    is_near,
    resolution,
    resolution_and_aspect_ratio,
    size_of,
)


@pytest.mark.parametrize(
    ("size", "ratio"),
    [
        ("1280x720", "16:9"),
        ("720x1280", "9:16"),
        ("832x480", "16:9"),
        ("480x832", "9:16"),
        ("1366x768", "16:9"),
        ("1024x1024", "1:1"),
        ("1024x768", "4:3"),
        ("2560x1080", "21:9"),
        ("1000x800", "5:4"),
    ],
)
def test_aspect_ratio_has_its_common_name(size: str, ratio: str) -> None:
    assert aspect_ratio(size) == ratio


def test_resolution_is_the_shorter_side() -> None:
    assert (resolution("1280x720"), resolution("720x1280")) == ("720p", "720p")
    assert resolution_and_aspect_ratio(None) == {}


@pytest.mark.parametrize(
    ("resolution", "ratio", "size"),
    [
        ("720p", "16:9", "1280x720"),
        ("720p", "9:16", "720x1280"),
        ("1080p", "1:1", "1080x1080"),
        ("1080p", "9:16", "1080x1920"),
        ("480p", "21:9", "1120x480"),
        ("480p", "16:9", "854x480"),
        ("768p", "16:9", "1366x768"),
        ("720p", "4:3", "960x720"),
        ("720p", "21:9", "1680x720"),
        ("2160p", "16:9", "3840x2160"),
    ],
)
def test_size_of_a_resolution_and_an_aspect_ratio(resolution: str, ratio: str, size: str) -> None:
    assert size_of(resolution, ratio) == size
    assert is_near(exact_ratio(size), ratio)


def test_other_orientation_is_not_near() -> None:
    assert not is_near(exact_ratio("1280x720"), "9:16")
    assert is_near(exact_ratio("832x480"), "16:9")
