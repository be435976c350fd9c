"""Check create calls for SGLang against the form that its package declares."""

from rushes.catalog.model_entry import ModelEntry
from rushes.ports.http import HttpCall
from tests.contract.vendors.published_files import read
from tests.contract.vendors.schema_checks import form_errors

TYPES = read("sglang")
SOURCE = f"{TYPES['package']} {TYPES['version']} (PyPI)"


def errors(model: ModelEntry, call: HttpCall) -> list[str]:
    if (call.method, call.path) != ("POST", "/videos"):
        return [f"SGLang has no {call.method} {call.path}"]
    if (call.form or {}).get("model") != model.model_at_provider:
        return ["model: not the served model"]
    return form_errors(TYPES["request"], call)
