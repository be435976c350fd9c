import pytest

from rushes.jobs.request import StoredFile
from rushes.providers.sizes import (
    as_json_file,
    aspect_ratio,
    resolution,
    resolution_and_aspect_ratio,
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
def test_aspect_ratio_has_its_common_name(size: str, ratio: str):
    assert aspect_ratio(size) == ratio


def test_resolution_is_the_shorter_side():
    assert (resolution("1280x720"), resolution("720x1280")) == ("720p", "720p")
    assert resolution_and_aspect_ratio(None) == {}


def test_as_json_file_inlines_small_files_and_links_large_ones():
    small = StoredFile(key="x", content_type="image/png", size=4 * 1024 * 1024)
    large = StoredFile(key="x", content_type="image/png", size=4 * 1024 * 1024 + 1)
    assert (as_json_file(small).form, as_json_file(large).form) == ("data_url", "link")
