"""Who was written for an event as a release told it can live on what is told now.

Two ways of asking: the release's own schema has to accept what is emitted now, and nothing that it
promised may be gone, optional or of another kind in the present one.
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
PRESENT = ROOT / "events/emitted"
PROMISED = sorted(RELEASES.glob("*/*.v*.schema.json"))


def read(path: Path) -> Schema:
    content: Schema = json.loads(path.read_text("utf-8"))
    return content


def named(path: Path) -> str:
    return f"{path.parent.name} {path.name.removesuffix('.schema.json')}"


def broken(old: Schema, new: Schema) -> list[str]:
    """What a listener relies on and would not find any more, each with its place."""
    return list(_broken(old, new, old, new, "event"))


def _broken(old: Schema, new: Schema, olds: Schema, news: Schema, place: str) -> Iterator[str]:
    old, new = _resolved(old, olds), _resolved(new, news)
    for name in set(old.get("required", ())) - set(new.get("required", ())):
        yield f"{place}.{name} may be absent"
    for name, promised in old.get("properties", {}).items():
        if name not in new.get("properties", {}):
            yield f"{place}.{name} is gone"
        else:
            told = new["properties"][name]
            yield from _broken(promised, told, olds, news, f"{place}.{name}")
    if "items" in old:
        yield from _broken(old["items"], new.get("items", {}), olds, news, f"{place}[]")
    kinds, allowed = _kinds(new, news), _kinds(old, olds)
    for kind in kinds - allowed:
        yield f"{place} may be {kind}"
    if "anyOf" in old:
        yield from _one_object(old, new, olds, news, place)


def _one_object(old: Schema, new: Schema, olds: Schema, news: Schema, place: str) -> Iterator[str]:
    """Of alternatives, here at most one is an object; the others were compared by their kind."""
    objects = [
        [it for it in _alternatives(side, root) if it.get("type") == "object"]
        for side, root in ((old, olds), (new, news))
    ]
    if all(objects):
        yield from _broken(objects[0][0], objects[1][0], olds, news, place)


def _alternatives(schema: Schema, root: Schema) -> list[Schema]:
    schema = _resolved(schema, root)
    return [_resolved(it, root) for it in schema.get("anyOf", [schema])]


def _kinds(schema: Schema, root: Schema) -> set[str]:
    """The kinds of value that it allows: types, with formats, or single values."""
    found = set()
    for it in _alternatives(schema, root):
        values = it.get("enum", [it["const"]] if "const" in it else None)
        if values is None:
            found.add(f"{it.get('type', 'anything')} {it.get('format', '')}".strip())
        else:
            found |= {json.dumps(value) for value in values}
    return found


def _resolved(schema: Schema, root: Schema) -> Schema:
    reference = schema.get("$ref")
    return root["$defs"][reference.rpartition("/")[2]] if reference else schema


def test_there_is_a_release_to_be_held_to():
    assert PROMISED


@pytest.mark.parametrize("path", PROMISED, ids=named)
def test_what_a_release_promised_is_kept(path: Path):
    assert broken(read(path), read(PRESENT / path.name)) == []


@pytest.mark.parametrize("path", PROMISED, ids=named)
def test_a_releases_schema_accepts_what_is_emitted_now(path: Path):
    event_type = path.name.removesuffix(f".v{schemas.VERSION}.schema.json")
    validator = Draft202012Validator(read(path), format_checker=FormatChecker())
    validator.validate(schemas.example(event_type))


def facts(schema: Schema) -> Schema:
    found: Schema = schema["$defs"]["JobEventData"]
    return found


def without(schema: Schema, name: str) -> None:
    del schema["properties"][name]
    schema["required"].remove(name)


def renamed(schema: Schema, name: str, other: str) -> None:
    schema["properties"][other] = schema["properties"].pop(name)
    schema["required"] = [other if it == name else it for it in schema["required"]]


CHANGES: dict[str, tuple[Callable[[Schema], object], str]] = {
    "a field is gone": (lambda it: without(facts(it), "cost"), "event.data.cost is gone"),
    "the envelope loses one": (lambda it: without(it, "timestamp"), "event.timestamp is gone"),
    "a field is renamed": (
        lambda it: renamed(facts(it), "artifacts", "outputs"),
        "event.data.artifacts is gone",
    ),
    "one inside a list is renamed": (
        lambda it: renamed(it["$defs"]["ArtifactData"], "key", "path"),
        "event.data.artifacts[].key is gone",
    ),
    "one inside an error is gone": (
        lambda it: without(it["$defs"]["JobError"], "code"),
        "event.data.error.code is gone",
    ),
    "a field may be absent": (
        lambda it: facts(it)["required"].remove("provider"),
        "event.data.provider may be absent",
    ),
    "a field has another type": (
        lambda it: facts(it)["properties"].update(account={"type": "integer"}),
        "event.data.account may be integer",
    ),
    "a field may be null": (
        lambda it: facts(it)["properties"].update(
            model={"anyOf": [{"type": "string"}, {"type": "null"}]}
        ),
        "event.data.model may be null",
    ),
    "a moment becomes a number": (
        lambda it: it["properties"].update(timestamp={"type": "number"}),
        "event.timestamp may be number",
    ),
    "a list becomes an object": (
        lambda it: facts(it)["properties"].update(artifacts={"type": "object"}),
        "event.data.artifacts may be object",
    ),
    "a type is called otherwise": (
        lambda it: it["properties"].update(type={"const": "job.done"}),
        'event.type may be "job.done"',
    ),
}


@pytest.mark.parametrize(("change", "found"), CHANGES.values(), ids=CHANGES)
def test_a_change_that_breaks_listeners_is_found(change: Callable[[Schema], object], found: str):
    old = read(PRESENT / "job.failed.v1.schema.json")
    new = copy.deepcopy(old)
    change(new)
    assert found in broken(old, new)


def test_what_is_only_added_breaks_nobody():
    old = read(PRESENT / "job.failed.v1.schema.json")
    new = copy.deepcopy(old)
    facts(new)["properties"]["region"] = {"type": "string"}
    facts(new)["required"].append("region")
    assert broken(old, new) == []
    assert broken(old, old) == []
