"""Check create calls for DashScope against the requests that its SDK sends, and documentation."""

from collections.abc import Iterator
from typing import Any

from rushes.catalog.model_entry import ModelEntry
from rushes.ports.http import HttpCall
from tests.contract.vendors.published_files import read
from tests.contract.vendors.schema_checks import body_errors

SENT = read("dashscope")
DOCUMENTED = read("dashscope-documented")
SOURCE = f"{SENT['package']} {SENT['version']} (PyPI), documentation (read {DOCUMENTED['date']})"
TYPES: dict[str, type] = {"string": str, "integer": int, "boolean": bool}


def errors(model: ModelEntry, call: HttpCall) -> list[str]:
    name = model.model_at_provider
    if (call.method, call.path) != ("POST", SENT["paths"].get(name)):
        return [f"the SDK has no {call.method} {call.path} for {name}"]
    if call.json.get("model") != name:
        return [f"model: {call.json.get('model')!r} is not the model"]
    return [
        *_header_errors(call),
        *_pointer_errors(model, call.json),
        *body_errors(DOCUMENTED["requests"][name], call.json),
    ]


def _header_errors(call: HttpCall) -> Iterator[str]:
    headers = {name.lower(): value for name, value in call.headers.items()}
    for name, value in SENT["headers"].items():
        if headers.get(name) != value:
            yield f"{name}: is not {value}"


def _pointer_errors(model: ModelEntry, body: dict[str, Any]) -> Iterator[str]:
    """Yield values that the SDK would not send at this place or with this type."""
    known = {**SENT["image" if model.modality == "image" else "video"], **DOCUMENTED["kwargs"]}
    for pointer, value in _values("", body):
        if pointer not in known:
            yield f"{pointer}: the SDK sends no such member"
        elif type(value) is not TYPES[known[pointer]]:
            yield f"{pointer}: {value!r} is no {known[pointer]}"
    for medium in body["input"].get("media", ()):
        if medium["type"] not in SENT["media_types"]:
            yield f"/input/media: the SDK has no type {medium['type']}"


def _values(pointer: str, value: Any) -> Iterator[tuple[str, Any]]:
    """Yield each value that is no object and no list; a list is `*` in its pointer."""
    if isinstance(value, dict):
        for name, member in value.items():
            yield from _values(f"{pointer}/{name}", member)
    elif isinstance(value, list):
        for member in value:
            yield from _values(f"{pointer}/*", member)
    else:
        yield pointer, value
