"""Check create calls for servers of OpenAI's models against OpenAI's specification."""

from functools import cache

from rushes.catalog.model_entry import ModelEntry
from rushes.ports.http import HttpCall
from tests.contract.vendors.schema_checks import Schema, form_errors
from tests.published import OPENAI, closed

SOURCE = "openai-openapi @ f85dbe22 (2026-08-21)"


@cache
def _schema() -> Schema:
    return closed(OPENAI, {"$ref": "#/components/schemas/CreateVideoMultipartBody"})


def errors(model: ModelEntry, call: HttpCall) -> list[str]:
    if (call.method, call.path) != ("POST", "/videos"):
        return [f"OpenAI has no {call.method} {call.path}"]
    if (call.form or {}).get("model") != model.model_at_provider:
        return ["model: not the model"]
    return form_errors(_schema(), call)
