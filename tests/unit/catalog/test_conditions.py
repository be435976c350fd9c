from typing import Any

import pytest

from rushes.catalog.conditions import Condition, holds, violated

PARAMETERS: dict[str, Any] = {
    "seconds": 8,
    "resolution": "1080p",
    "generate_audio": True,
    "mode": None,
    "input": frozenset({"image", "last_frame"}),
}


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ({}, True),
        ({"seconds": (4, 8)}, True),
        ({"seconds": (4,)}, False),
        ({"seconds": (8,), "resolution": ("720p",)}, False),
        ({"seconds": (8,), "resolution": ("720p", "1080p")}, True),
        ({"generate_audio": (True,)}, True),
        ({"generate_audio": (1,)}, False),  # true is not 1
        ({"mode": ("pro",)}, False),  # a field without a value
        ({"input": ("image",)}, True),
        ({"input": ("audio",)}, False),
        ({"input": ("none",)}, False),
    ],
)
def test_condition_holds_if_all_fields_have_one_of_their_values(
    condition: Condition, expected: object
) -> None:
    assert holds(condition, PARAMETERS) is expected


def test_none_stands_for_a_request_without_files() -> None:
    assert holds({"input": ("none",)}, {"input": frozenset()})
    assert not holds({"input": ("image",)}, {"input": frozenset()})


@pytest.mark.parametrize(
    ("condition", "field"),
    [
        ({"seconds": (8, 10)}, None),
        ({"seconds": (4,), "resolution": ("720p",)}, "seconds"),
        ({"mode": ("pro",)}, None),  # nothing is requested
        ({"input": ("image", "last_frame", "audio")}, None),
        ({"input": ("image",)}, "input"),
    ],
)
def test_first_field_without_an_allowed_value_is_returned(
    condition: Condition, field: str | None
) -> None:
    assert violated(condition, PARAMETERS) == field
