from typing import Any

import pytest

from scripts.fal_models.lengths import count_frames, in_order, legal_seconds, length_of

FRAMES = {"type": "number", "default": 81, "minimum": 17, "maximum": 161}


@pytest.mark.parametrize(
    ("schema", "seconds", "spelling"),
    [
        ({"enum": ["4s", "6s", "8s"], "default": "8s"}, [8, 4, 6], "{seconds}s"),
        ({"enum": ["5", "10"], "default": "5"}, [5, 10], "{seconds!text}"),
        ({"enum": [6, 8, 10], "default": 6}, [6, 8, 10], "{seconds}"),
        ({"enum": ["auto", "4", "5"], "default": "auto"}, [5, 4], "{seconds!text}"),
        ({"enum": ["auto", 6, 8], "default": "auto"}, [6, 8], "{seconds}"),
        ({"enum": ["0", "2", "3"], "default": "0"}, [2, 3], "{seconds!text}"),
        ({"type": "number", "default": 6}, [6], "{seconds}"),
        ({"type": "string", "default": "8s"}, [8], "{seconds}s"),
    ],
)
def test_length_in_seconds_is_spelled_as_published(
    schema: dict[str, Any], seconds: list[int], spelling: str
):
    found = length_of({"duration": schema}, {})
    assert found == {"seconds": seconds, "arguments": {"duration": spelling}}


def test_hint_replaces_the_seconds():
    schema = {"type": "number", "default": 5}
    assert length_of({"duration": schema}, {"seconds": [5, 1, 2]})["seconds"] == [5, 1, 2]


def test_length_without_a_known_value_is_not_chosen():
    assert length_of({"duration": {"type": "number"}}, {}) == {}
    assert length_of({"num_frames": FRAMES}, {}) == {}
    assert length_of({}, {}) == {}


def test_fixed_length_is_a_hint():
    assert length_of({}, {"seconds": [6]}) == {"seconds": [6]}


def test_length_in_frames_is_converted_at_the_default_rate():
    rate = {"type": "number", "default": 16}
    found = length_of({"num_frames": FRAMES, "fps": rate}, {"step": 4, "offset": 1})
    assert found["seconds"] == [5, 1, 2, 3, 4, 6, 7, 8, 9, 10]
    assert found["frames"] == {"fps": 16, "step": 4, "offset": 1, "min": 17, "max": 161}
    assert found["arguments"] == {"num_frames": "{frames}", "fps": 16}


def test_number_of_frames_may_be_text():
    schema = {"enum": ["129", "85"], "default": "129"}
    found = length_of({"num_frames": schema}, {"fps": 25})
    assert found["frames"] == {"fps": 25, "min": 85, "max": 129}
    assert found["arguments"] == {"num_frames": "{frames!text}"}


def test_number_of_frames_without_limits_is_the_default():
    found = length_of({"num_frames": {"type": "number", "default": 121}}, {"fps": 24})
    assert found["frames"] == {"fps": 24, "min": 121, "max": 121}
    assert found["seconds"] == [5]


def test_lengths_that_the_limits_change_noticeably_are_not_legal():
    frames = {"fps": 16, "min": 81, "max": 100}
    assert legal_seconds(frames) == [5, 6]
    assert [count_frames(frames, seconds) for seconds in (1, 5, 6, 60)] == [81, 81, 96, 100]


def test_default_comes_first():
    assert in_order([8, 4, 6, 4], 6) == [6, 4, 8]
    assert in_order([10, 5], None) == [5, 10]
    assert in_order([8, 4], None) == [4, 8]
    assert in_order([], 5) == []
