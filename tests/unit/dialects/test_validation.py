"""Tests of field validation and its messages."""

from typing import Annotated, Any, Literal

import pytest
from pydantic import Field, ValidationError

from rushes.dialects.validation import Members, Seconds, StrictModel, shown, validate
from rushes.errors import InvalidRequest
from rushes.jobs.request import Upload


class _Part(StrictModel):
    size: int


class _Schema(StrictModel):
    prompt: Annotated[str, Field(min_length=1, max_length=3)]
    seconds: Seconds | None = None
    order: Literal["asc", "desc"] = "asc"
    audio: bool | None = None
    parts: tuple[_Part, ...] = ()
    signing_secret: str | None = None


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"prompt": None}, "prompt is required"),
        ({"prompt": ""}, "prompt is required"),
        ({"prompt": "x", "parts": [None]}, "parts.0 must be an object (got null)"),
        ({"prompt": "long"}, "prompt must have at most 3 characters"),
        ({"seconds": 0}, "seconds must be at least 1 (got 0)"),
        ({"seconds": 3601}, "seconds must be at most 3600 (got 3601)"),
        ({"seconds": True}, "seconds must be an integer (got true)"),
        ({"seconds": "{x}"}, 'seconds must be an integer (got "{x}")'),
        ({"order": "up"}, "order must be one of 'asc' or 'desc' (got \"up\")"),
        ({"audio": []}, "audio must be a boolean (got a list)"),
        ({"parts": {}}, "parts must be a list (got an object)"),
        ({"parts": [5]}, "parts.0 must be an object (got 5)"),
        ({"parts": [{}]}, "parts.0.size is required"),
        ({"steps": 30}, "steps is not supported"),
        ({"signing_secret": 12345}, "signing_secret must be a string (got a hidden value)"),
    ],
)
def test_validate_reports_field_value_and_limit(fields: dict[str, Any], message: str):
    with pytest.raises(InvalidRequest) as refused:
        validate(_Schema, {"prompt": "x", **fields})
    assert (refused.value.message, refused.value.param) == (message, message.split(maxsplit=1)[0])


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("x" * 41, f'"{"x" * 39}...'),
        ("\ud800\0\u00e9", '"\\ud800\\u0000\\u00e9"'),
        (Upload("video", "video/mp4", b""), "a file"),
        (4.5, "4.5"),
    ],
)
def test_shown_is_short_ascii(value: object, text: str):
    assert shown(value) == text


class _Lists(StrictModel):
    parts: Members[_Part] = ()
    names: Members[str] | None = None


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"parts": [{"size": 1}] * 33}, "parts must have at most 32 members"),
        ({"parts": [{}] * 100_000}, "parts.0.size is required"),
        ({"parts": [{"size": 1}, *[1] * 100_000]}, "parts.1 must be an object (got 1)"),
        ({"names": ["x"] * 100_000}, "names must have at most 32 members"),
        ({"names": [None] * 100_000}, "names.0 must be a string (got null)"),
    ],
)
def test_members_end_at_the_first_error(fields: dict[str, Any], message: str):
    with pytest.raises(InvalidRequest) as refused:
        validate(_Lists, fields)
    assert refused.value.message == message
    assert isinstance(refused.value.__context__, ValidationError)
    assert refused.value.__context__.error_count() == 1


def test_members_are_kept_in_order():
    lists = validate(_Lists, {"parts": [{"size": size} for size in range(32)]})
    assert [part.size for part in lists.parts] == list(range(32))


def test_long_names_and_values_are_cut():
    for fields in ({"n" * 1_000_000: 1}, {"names": "v" * 1_000_000}):
        with pytest.raises(InvalidRequest) as refused:
            validate(_Lists, fields)
        assert len(refused.value.message) < 200
        assert len(refused.value.param or "") <= 80
