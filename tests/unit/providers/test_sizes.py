"""Sizes by the names of shapes."""

import pytest

from rushes.jobs.request import StoredFile
from rushes.providers.sizes import aspect_ratio, enclosed, film_shape, resolution


@pytest.mark.parametrize(
    ("size", "shape"),
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
def test_a_shape_goes_by_its_usual_name(size: str, shape: str):
    assert aspect_ratio(size) == shape


def test_a_resolution_is_the_shorter_side():
    assert (resolution("1280x720"), resolution("720x1280")) == ("720p", "720p")
    assert film_shape(None) == {}


def test_small_files_go_along_and_large_ones_are_linked_to():
    small = StoredFile(key="x", content_type="image/png", size=4 * 1024 * 1024)
    large = StoredFile(key="x", content_type="image/png", size=4 * 1024 * 1024 + 1)
    assert (enclosed(small).form, enclosed(large).form) == ("data_url", "link")
