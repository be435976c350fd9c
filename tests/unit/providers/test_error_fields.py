"""Errors of single fields, in the formats of vendors and frameworks."""

from typing import Any

import pytest

from rushes.providers.error_fields import MAX_LINES, field_errors
from rushes.providers.replies import error_message_and_code
from tests.unit.providers.job import json_reply

BODIES: dict[str, tuple[Any, tuple[str, ...]]] = {
    "Zod": (
        {"error": "Validation failed", "issues": [{"path": ["promptImage"], "message": "too big"}]},
        ("promptImage: too big",),
    ),
    "Zod, nested": (
        {"error": {"message": "no", "issues": [{"path": ["a", 0, "b"], "message": "bad"}]}},
        ("a.0.b: bad",),
    ),
    "FastAPI": (
        {"detail": [{"loc": ["body", "seconds"], "msg": "is odd", "type": "odd"}]},
        ("seconds: is odd",),
    ),
    "JSON:API": (
        {"errors": [{"pointer": "/seconds", "title": "is odd"}, {"field": "x", "message": "y"}]},
        ("/seconds: is odd", "x: y"),
    ),
    "table of lists": (
        {"errors": {"seconds": ["is odd", "is big"]}},
        ("seconds: is odd", "seconds: is big"),
    ),
    "Google": (
        {
            "error": {
                "message": "Invalid",
                "details": [
                    {"@type": "x", "fieldViolations": [{"field": "fps", "description": "is odd"}]}
                ],
            }
        },
        ("fps: is odd",),
    ),
    "RFC 9457": (
        {"title": "Bad", "invalid-params": [{"name": "age", "reason": "low"}]},
        ("age: low",),
    ),
    "without a path": ({"errors": [{"message": "no"}]}, ("no",)),
    "none": ({"error": {"message": "no"}}, ()),
}


@pytest.mark.parametrize("name", BODIES)
def test_field_errors_are_in_the_message(name: str):
    body, lines = BODIES[name]
    assert field_errors(body) == lines
    message, _ = error_message_and_code(json_reply(body, 400))
    assert all(line in message for line in lines)


def test_runways_answer_to_a_large_image_names_the_field():
    issue = {"code": "too_big", "path": ["promptImage"], "message": "must be less than 5242880"}
    body = {"error": "Validation of body failed", "issues": [issue]}
    message, _ = error_message_and_code(json_reply(body, 400))
    assert message == "Validation of body failed: promptImage: must be less than 5242880"


@pytest.mark.parametrize(
    "body", [None, [], "x", {"errors": 5}, {"detail": {"a": {}}}, {"error": []}]
)
def test_other_bodies_have_no_field_errors(body: object):
    assert field_errors(body) == ()


def test_lines_are_bounded():
    errors = [{"path": [number], "message": "x"} for number in range(1000)]
    assert len(field_errors({"issues": errors})) == MAX_LINES
