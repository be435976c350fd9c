from collections.abc import Callable, Iterator
from typing import Any

import pytest

from rushes.jobs.result import Output
from rushes.providers.results import MAX_FILES, files_in, files_of_any_name, first_files


@pytest.mark.parametrize(
    "value",
    [
        lambda count: {"videos": ["https://files.example/1"] * count},
        lambda count: {"images": [{"url": "https://files.example/1"}] * count},
        lambda count: {"audio": [["AAAA"] * (count // 2)] * 2, "video": "AAAA"},
    ],
)
def test_number_of_files_is_bounded(value: Callable[[int], dict[str, Any]]):
    assert len(files_in("/result", value(1_000_000))) == MAX_FILES
    assert 10 <= len(files_in("/result", value(10))) <= 11


def test_further_files_are_not_read():
    read = []

    def outputs() -> Iterator[Output]:
        for number in range(10 * MAX_FILES):
            read.append(number)
            yield Output(url=f"https://files.example/{number}")

    assert len(first_files(outputs())) == MAX_FILES
    assert len(read) == MAX_FILES


@pytest.mark.parametrize(
    ("result", "names"),
    [
        ({"thumbnail_url": "https://f.example/t", "video_url": "https://f.example/v"}, "vt"),
        ({"media": {"url": "https://f.example/m"}, "seed": 3}, "m"),
        ({"vocals": {"url": "https://f.example/v"}, "drums": {"url": "https://f.example/d"}}, "vd"),
        ({"model_urls": {"glb": {"url": "https://f.example/g"}}}, "g"),
        ({"result_files": [{"url": "https://f.example/a"}, {"url": "https://f.example/b"}]}, "ab"),
        ({"image_urls": ["https://f.example/a"], "copy_url": "https://f.example/a"}, "a"),
        ({"prompt": "https://f.example/p", "url": "ftp://f.example/x", "uri": None}, ""),
    ],
)
def test_files_of_any_name_are_found_once_with_the_video_first(result: dict[str, Any], names: str):
    found = files_of_any_name("/result", result)
    assert [output.url for output in found] == [f"https://f.example/{name}" for name in names]


def test_number_of_files_of_any_name_is_bounded():
    urls = [f"https://files.example/{number}" for number in range(2 * MAX_FILES)]
    assert len(files_of_any_name("/result", {"file_urls": urls})) == MAX_FILES
