"""Sizes of the texts and lists in a request's options."""

from typing import Any

import pytest

from rushes.catalog.bounds import MAX_CHARACTERS, MAX_MEMBERS, check_size
from rushes.catalog.model_entry import ModelEntry
from rushes.errors import InvalidRequest
from rushes.jobs.request import GenerationRequest


def validate(given: dict[str, Any], **fields: Any) -> None:
    model = ModelEntry.model_validate(
        {
            "name": "one/model",
            "prompt_characters": 500,
            "options": {
                "negative_prompt": {},
                "user": {},
                "style": {"type": "string", "max_characters": 64},
                "metadata": {"type": "object"},
                "tags": {"type": "array"},
            },
            **fields,
        }
    )
    request = GenerationRequest.model_validate({"model": "one/model", "prompt": "x", **given})
    model.validate_and_fill(request)


def options(**values: Any) -> dict[str, Any]:
    return {"provider_options": values}


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (
            {"negative_prompt": "x" * 100_000},
            "negative_prompt must have at most 500 characters (got 100000)",
        ),
        ({"negative_prompt": "x" * 501}, "negative_prompt must have at most 500 characters"),
        (options(user="x" * 10_001), "user must have at most 10000 characters (got 10001)"),
        (options(style="x" * 65), "style must have at most 64 characters (got 65)"),
        (
            options(metadata={"note": "x" * 10_001}),
            "metadata must have at most 10000 characters in each member (got 10001)",
        ),
        (
            options(metadata={"x" * 10_001: 1}),
            "metadata must have at most 10000 characters in each member (got 10001)",
        ),
        (
            options(metadata=dict.fromkeys(map(str, range(101)), 1)),
            "metadata must have at most 100 members (got 101)",
        ),
        (options(tags=["x"] * 101), "tags must have at most 100 members (got 101)"),
        (
            options(tags=[{"deep": [["x" * 10_001]]}]),
            "tags must have at most 10000 characters in each member (got 10001)",
        ),
        (options(tags=[["x"] * 101]), "tags must have at most 100 members in each member"),
    ],
)
def test_field_that_is_too_long_is_refused_by_name(given: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        validate(given)
    assert refused.value.message.startswith(message)
    assert refused.value.param == message.partition(" ")[0]


@pytest.mark.parametrize(
    "given",
    [
        {"negative_prompt": "x" * 500},
        options(user="x" * MAX_CHARACTERS),
        options(style="x" * 64),
        options(metadata=dict.fromkeys(map(str, range(MAX_MEMBERS)), 10**9)),
        options(tags=["x" * 100] * MAX_MEMBERS),
        options(user=None, tags=[True, 1.5, None]),
    ],
)
def test_field_within_the_bounds_is_accepted(given: dict[str, Any]) -> None:
    validate(given)


def test_bound_counts_characters_and_not_bytes() -> None:
    check_size("user", "ü" * 10, 10)
    with pytest.raises(InvalidRequest):
        check_size("user", "ü" * 11, 10)
