"""The first violation of a published schema by a body."""

from typing import Any

import pytest
from jsonschema import Draft202012Validator

from sandbox.published import PublishedModel, Settings, Violation

SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "prompt": {"type": "string", "minLength": 1},
        "seconds": {"enum": ["4", "8"]},
        "ratio": {"not": {}},
        "media": {"type": "object", "properties": {"image": {}}, "additionalProperties": False},
    },
    "required": ["prompt"],
    "additionalProperties": False,
    "dependentRequired": {"width": ["height"]},
    "anyOf": [
        {"properties": {"width": {"const": 1280}, "height": {"const": 720}}},
        {"properties": {"width": {"const": 720}, "height": {"const": 1280}}},
    ],
}
SCHEMA["properties"] |= {"width": {"type": "integer"}, "height": {"type": "integer"}}


def violation(**fields: object) -> Violation | None:
    model = PublishedModel(Settings(4, "1280x720"), Draft202012Validator(SCHEMA))
    return model.violation({"prompt": "a fox", **fields})


def test_valid_body_has_no_violation():
    assert violation() is None
    assert violation(seconds="8", width=720, height=1280, media={"image": 1}) is None


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"seconds": "5"}, "seconds"),
        ({"seconds": 4}, "seconds"),
        ({"prompt": ""}, "prompt"),
        ({"width": 1280}, "height"),
        ({"width": 1280, "height": 721}, "height"),
        ({"width": 1280, "height": 721, "seconds": "5"}, "seconds"),
    ],
)
def test_violation_names_the_field(fields: dict[str, Any], field: str):
    found = violation(**fields)
    assert found is not None
    assert (found.field, found.is_unknown) == (field, False)


@pytest.mark.parametrize(
    ("fields", "field"),
    [({"ratio": "16:9"}, "ratio"), ({"foo": 1}, "foo"), ({"media": {"clip": 1}}, "media.clip")],
)
def test_field_that_the_model_does_not_have_is_unknown(fields: dict[str, Any], field: str):
    found = violation(**fields)
    assert found == Violation(field, f"{field} is not an argument of this model", is_unknown=True)


def test_missing_field_is_named():
    model = PublishedModel(Settings(4, "1280x720"), Draft202012Validator(SCHEMA))
    found = model.violation({})
    assert found is not None
    assert found.field == "prompt"
