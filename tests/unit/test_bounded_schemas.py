"""Lists from outside are bounded before their members are validated.

pydantic builds an error for each invalid member of a list, also beyond `max_length`, unless the
first one ends the validation: two million numbers in place of objects take 1.9 GB.
"""

import pkgutil
from collections.abc import Iterator
from importlib import import_module
from types import ModuleType
from typing import Annotated, Any

import pytest
from pydantic import BaseModel, Field

import rushes.api.webhooks
import rushes.dialects
import rushes.providers

PACKAGES = (rushes.api.webhooks, rushes.dialects, rushes.providers)
LISTS = ("list", "tuple", "set", "frozenset")


def modules() -> Iterator[ModuleType]:
    for package in PACKAGES:
        for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            yield import_module(found.name)


def schemas() -> dict[str, type[BaseModel]]:
    return {
        f"{module.__name__}.{name}": value
        for module in modules()
        for name, value in vars(module).items()
        if isinstance(value, type)
        and issubclass(value, BaseModel)
        and value.__module__ == module.__name__
    }


def lists_in(schema: Any) -> Iterator[dict[str, Any]]:
    """Yield the lists in a schema of pydantic's core."""
    if isinstance(schema, dict):
        if schema.get("type") in LISTS:
            yield schema
        for member in schema.values():
            yield from lists_in(member)
    elif isinstance(schema, list | tuple):
        for member in schema:
            yield from lists_in(member)


def is_bounded(schema: dict[str, Any]) -> bool:
    return "max_length" in schema and bool(schema.get("fail_fast"))


@pytest.mark.parametrize("name", schemas())
def test_lists_of_a_schema_are_bounded_and_end_at_the_first_error(name: str):
    found = list(lists_in(schemas()[name].__pydantic_core_schema__))
    assert [schema for schema in found if not is_bounded(schema)] == []


def test_schemas_with_lists_are_found():
    with_lists = {
        name.rpartition(".")[2]
        for name, schema in schemas().items()
        if any(lists_in(schema.__pydantic_core_schema__))
    }
    assert with_lists >= {"CreateBody", "CreateVideoBody", "NewEndpoint", "_Task", "_ErrorBody"}


@pytest.mark.parametrize(
    "annotation",
    [
        list[int],
        tuple[str, ...],
        Annotated[tuple[str, ...], Field(max_length=5)],
        Annotated[tuple[str, ...], Field(fail_fast=True)],
        dict[str, list[int]],
        list[int] | None,
    ],
)
def test_an_unbounded_list_is_recognized(annotation: Any):
    class Model(BaseModel):
        field: annotation

    (found,) = lists_in(Model.__pydantic_core_schema__)
    assert not is_bounded(found)
