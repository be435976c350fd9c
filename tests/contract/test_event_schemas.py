"""Event schemas stay compatible with earlier releases.

The released schema accepts present events, and the present schema removes, relaxes or retypes no
released field.
"""

import copy
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator, FormatChecker

from local.packaging import ROOT
from scripts import schemas

Schema = dict[str, Any]

RELEASES = ROOT / "tests/fixtures/releases"
CURRENT = ROOT / "events/emitted"
RELEASED = sorted(RELEASES.glob("*/*.v*.schema.json"))


def read(path: Path) -> Schema:
    content: Schema = json.loads(path.read_text("utf-8"))
    return content


def case_id(path: Path) -> str:
    return f"{path.parent.name} {path.name.removesuffix('.schema.json')}"


def breaking_changes(old: Schema, new: Schema) -> list[str]:
    """Return incompatible changes with their paths."""
    return list(_compare(old, new, old, new, "event"))


def _compare(old: Schema, new: Schema, olds: Schema, news: Schema, path: str) -> Iterator[str]:
    old, new = _resolved(old, olds), _resolved(new, news)
    for name in set(old.get("required", ())) - set(new.get("required", ())):
        yield f"{path}.{name} may be absent"
    for name, released in old.get("properties", {}).items():
        if name not in new.get("properties", {}):
            yield f"{path}.{name} is gone"
        else:
            present = new["properties"][name]
            yield from _compare(released, present, olds, news, f"{path}.{name}")
    if "items" in old:
        yield from _compare(old["items"], new.get("items", {}), olds, news, f"{path}[]")
    types, allowed = _types(new, news), _types(old, olds)
    for name in types - allowed:
        yield f"{path} may be {name}"
    if "anyOf" in old:
        yield from _one_object(old, new, olds, news, path)


def _one_object(old: Schema, new: Schema, olds: Schema, news: Schema, path: str) -> Iterator[str]:
    """Compare the object among alternatives; the other ones are compared by type."""
    objects = [
        [option for option in _alternatives(side, root) if option.get("type") == "object"]
        for side, root in ((old, olds), (new, news))
    ]
    if all(objects):
        yield from _compare(objects[0][0], objects[1][0], olds, news, path)


def _alternatives(schema: Schema, root: Schema) -> list[Schema]:
    schema = _resolved(schema, root)
    return [_resolved(option, root) for option in schema.get("anyOf", [schema])]


def _types(schema: Schema, root: Schema) -> set[str]:
    """Return the allowed types with formats, and single values."""
    found = set()
    for option in _alternatives(schema, root):
        values = option.get("enum", [option["const"]] if "const" in option else None)
        if values is None:
            found.add(f"{option.get('type', 'anything')} {option.get('format', '')}".strip())
        else:
            found |= {json.dumps(value) for value in values}
    return found


def _resolved(schema: Schema, root: Schema) -> Schema:
    reference = schema.get("$ref")
    return root["$defs"][reference.rpartition("/")[2]] if reference else schema


def test_released_schemas_exist():
    assert RELEASED


@pytest.mark.parametrize("path", RELEASED, ids=case_id)
def test_present_schema_breaks_no_released_schema(path: Path):
    assert breaking_changes(read(path), read(CURRENT / path.name)) == []


@pytest.mark.parametrize("path", RELEASED, ids=case_id)
def test_released_schema_accepts_present_event(path: Path):
    event_type = path.name.removesuffix(f".v{schemas.VERSION}.schema.json")
    validator = Draft202012Validator(read(path), format_checker=FormatChecker())
    validator.validate(schemas.example(event_type))


def data_of(schema: Schema) -> Schema:
    found: Schema = schema["$defs"]["JobEventData"]
    return found


def without(schema: Schema, name: str) -> None:
    del schema["properties"][name]
    schema["required"].remove(name)


def renamed(schema: Schema, name: str, other: str) -> None:
    schema["properties"][other] = schema["properties"].pop(name)
    schema["required"] = [other if field == name else field for field in schema["required"]]


CHANGES: dict[str, tuple[Callable[[Schema], object], str]] = {
    "a field is gone": (lambda schema: without(data_of(schema), "cost"), "event.data.cost is gone"),
    "a field of the envelope is gone": (
        lambda schema: without(schema, "timestamp"),
        "event.timestamp is gone",
    ),
    "a field is renamed": (
        lambda schema: renamed(data_of(schema), "artifacts", "outputs"),
        "event.data.artifacts is gone",
    ),
    "one inside a list is renamed": (
        lambda schema: renamed(schema["$defs"]["ArtifactData"], "key", "path"),
        "event.data.artifacts[].key is gone",
    ),
    "one inside an error is gone": (
        lambda schema: without(schema["$defs"]["JobError"], "code"),
        "event.data.error.code is gone",
    ),
    "a field may be absent": (
        lambda schema: data_of(schema)["required"].remove("provider"),
        "event.data.provider may be absent",
    ),
    "a field has another type": (
        lambda schema: data_of(schema)["properties"].update(account={"type": "integer"}),
        "event.data.account may be integer",
    ),
    "a field may be null": (
        lambda schema: data_of(schema)["properties"].update(
            model={"anyOf": [{"type": "string"}, {"type": "null"}]}
        ),
        "event.data.model may be null",
    ),
    "a timestamp becomes a number": (
        lambda schema: schema["properties"].update(timestamp={"type": "number"}),
        "event.timestamp may be number",
    ),
    "a list becomes an object": (
        lambda schema: data_of(schema)["properties"].update(artifacts={"type": "object"}),
        "event.data.artifacts may be object",
    ),
    "a type is renamed": (
        lambda schema: schema["properties"].update(type={"const": "job.done"}),
        'event.type may be "job.done"',
    ),
}


@pytest.mark.parametrize(("change", "expected"), CHANGES.values(), ids=CHANGES)
def test_breaking_change_is_detected(change: Callable[[Schema], object], expected: str):
    old = read(CURRENT / "job.failed.v1.schema.json")
    new = copy.deepcopy(old)
    change(new)
    assert expected in breaking_changes(old, new)


def test_added_field_is_no_breaking_change():
    old = read(CURRENT / "job.failed.v1.schema.json")
    new = copy.deepcopy(old)
    data_of(new)["properties"]["region"] = {"type": "string"}
    data_of(new)["required"].append("region")
    assert breaking_changes(old, new) == []
    assert breaking_changes(old, old) == []
