from collections.abc import Callable, Iterator
from typing import Any

import pytest

from rushes.jobs.result import Output
from rushes.providers.results import MAX_FILES, files_in, first_files


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
