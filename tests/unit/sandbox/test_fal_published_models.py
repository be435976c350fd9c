from typing import Any

import pytest

from sandbox.protocols.fal_queue.published_models import (
    InvalidArgumentsError,
    PublishedEndpoint,
    endpoints,
)
from sandbox.published import Settings

SCHEMA = {
    "type": "object",
    "properties": {
        "prompt": {"type": "string", "maxLength": 5},
        "duration": {"enum": ["4s", "6s", "8s"]},
        "steps": {"type": "number", "minimum": 1, "maximum": 50},
        "audio": {"type": "boolean"},
        "image_urls": {"type": "array", "items": {"type": "string"}, "maxItems": 1},
        "size": {"anyOf": [{"enum": ["square"]}, {"type": "object"}]},
    },
    "additionalProperties": False,
    "required": ["prompt"],
}
ENDPOINT = PublishedEndpoint("video", Settings(5, "1280x720"), {"video": "file"}, SCHEMA)


def faults(**arguments: Any) -> list[tuple[list[Any], str]]:
    with pytest.raises(InvalidArgumentsError) as refusal:
        ENDPOINT.check(arguments)
    listed: list[Any] = refusal.value.faults
    return [(fault["loc"], fault["type"]) for fault in listed]


@pytest.mark.parametrize(
    ("arguments", "loc", "kind"),
    [
        ({}, ["body", "prompt"], "missing"),
        ({"prompt": "p", "length": 8}, ["body", "length"], "extra_forbidden"),
        ({"prompt": "p", "duration": "8"}, ["body", "duration"], "literal_error"),
        ({"prompt": "p", "duration": 8}, ["body", "duration"], "literal_error"),
        ({"prompt": 1}, ["body", "prompt"], "string_type"),
        ({"prompt": "p", "audio": "true"}, ["body", "audio"], "bool_type"),
        ({"prompt": "p", "steps": True}, ["body", "steps"], "float_type"),
        ({"prompt": "p", "steps": 0}, ["body", "steps"], "greater_than_equal"),
        ({"prompt": "p", "steps": 51}, ["body", "steps"], "less_than_equal"),
        ({"prompt": "p", "image_urls": [1]}, ["body", "image_urls", 0], "string_type"),
        ({"prompt": "p", "image_urls": ["a", "b"]}, ["body", "image_urls"], "too_long"),
        ({"prompt": "prompt"}, ["body", "prompt"], "string_too_long"),
        ({"prompt": "p", "size": 1}, ["body", "size"], "value_error"),
    ],
)
def test_invalid_argument_is_listed_with_its_place_and_type(
    arguments: dict[str, Any], loc: list[Any], kind: str
):
    assert faults(**arguments) == [(loc, kind)]


def test_all_invalid_arguments_are_listed():
    assert len(faults(duration="8", steps=0, length=1, width=1)) == 5


def test_message_names_the_allowed_values():
    with pytest.raises(InvalidArgumentsError) as refusal:
        ENDPOINT.check({"prompt": "p", "duration": 8})
    assert refusal.value.faults[0]["msg"] == "Input should be '4s', '6s' or '8s'"


def test_valid_arguments_are_accepted():
    ENDPOINT.check({"prompt": "p", "duration": "8s", "size": {"width": 1}, "image_urls": ["a"]})


def test_published_endpoints_are_read():
    veo = endpoints()["fal-ai/veo3.1/fast"]
    assert (veo.modality, veo.defaults) == ("video", Settings(8, "1280x720"))
    assert veo.output == {"video": "file"}
