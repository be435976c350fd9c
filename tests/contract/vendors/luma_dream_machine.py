"""Check create calls for Luma Dream Machine against the request types of its SDK."""

from rushes.catalog.model_entry import ModelEntry
from rushes.ports.http import HttpCall
from tests.contract.vendors.published_files import read
from tests.contract.vendors.schema_checks import body_errors

TYPES = read("luma-dream-machine")
SOURCE = f"{TYPES['package']} {TYPES['version']} (PyPI)"


def errors(model: ModelEntry, call: HttpCall) -> list[str]:
    schema = TYPES["requests"].get(call.path)
    if call.method != "POST" or schema is None:
        return [f"Luma has no {call.method} {call.path}"]
    if call.json.get("model") != model.model_at_provider:
        return [f"model: {call.json.get('model')!r} is not the model"]
    return body_errors(schema, call.json)
