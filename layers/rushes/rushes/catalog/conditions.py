"""Conditions on the parameters of a request: allowed combinations and prices are tables of them."""

from collections.abc import Collection, Mapping
from typing import Annotated, Any

from pydantic import Field

Value = str | int | float | bool
Condition = dict[str, Annotated[tuple[Value, ...], Field(min_length=1)]]
"""Field name to its values. All fields must have one of their values.

Fields are `seconds`, `size`, `resolution`, `aspect_ratio`, `generate_audio`, the options of the
model, and `input`: the roles of the given files, `none` if there are none.
"""
INPUT = "input"
NO_FILES = "none"

Parameters = Mapping[str, Any]
"""Parameters of a request by field name; `input` is the set of the roles of its files."""


def holds(condition: Condition, parameters: Parameters) -> bool:
    """Whether all fields have a listed value; `input` holds if any listed role is given."""
    return all(_has_one(parameters, field, values) for field, values in condition.items())


def violated(condition: Condition, parameters: Parameters) -> str | None:
    """Return the first field without an allowed value; `input` allows the listed roles only.

    A field without a value violates nothing.
    """
    for field, values in condition.items():
        if field == INPUT:
            if not set(parameters[INPUT]) <= set(values):
                return field
        elif (value := parameters.get(field)) is not None and not _contains(values, value):
            return field
    return None


def _has_one(parameters: Parameters, field: str, values: Collection[Value]) -> bool:
    if field == INPUT:
        given = parameters[INPUT]
        return bool(given.intersection(values)) if given else NO_FILES in values
    return _contains(values, parameters.get(field))


def _contains(values: Collection[Value], value: object) -> bool:
    """Distinguish true from 1, as in JSON."""
    return any(
        value == allowed and isinstance(value, bool) == isinstance(allowed, bool)
        for allowed in values
    )
