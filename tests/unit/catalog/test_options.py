import pytest
from pydantic import ValidationError

from rushes.catalog.options import Option


@pytest.mark.parametrize(
    ("option", "value", "error"),
    [
        ({}, {"any": "value"}, None),
        ({"type": "string"}, "text", None),
        ({"type": "string"}, 1, "must be a string"),
        ({"type": "integer"}, 1, None),
        ({"type": "integer"}, 1.5, "must be an integer"),
        ({"type": "integer"}, True, "must be an integer"),
        ({"type": "number"}, 1, None),
        ({"type": "number"}, 1.5, None),
        ({"type": "number"}, "1", "must be a number"),
        ({"type": "boolean"}, False, None),
        ({"type": "boolean"}, 0, "must be a boolean"),
        ({"type": "array"}, [], None),
        ({"type": "array"}, {}, "must be an array"),
        ({"type": "object"}, {}, None),
        ({"type": "object"}, [], "must be an object"),
        ({"values": ["pro", "std"]}, "pro", None),
        ({"values": ["pro", "std"]}, "max", "must be one of pro, std"),
        ({"min": 1, "max": 5}, 5, None),
        ({"min": 1, "max": 5}, 6, "must be between 1 and 5"),
        ({"min": 1}, 0, "must be at least 1"),
        ({"max": 5}, 5.1, "must be at most 5"),
        ({"max_characters": 3}, "four", "must have at most 3 characters"),
    ],
)
def test_value_is_checked_by_type_and_bounds(
    option: dict[str, object], value: object, error: str | None
) -> None:
    assert Option.model_validate(option).error(value) == error


@pytest.mark.parametrize("option", [{"type": "text"}, {"min": "one"}, {"minimum": 1}])
def test_unknown_types_and_keys_are_refused(option: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Option.model_validate(option)
