"""Check create calls for Together against its SDK and its documentation."""

from functools import cache

from rushes.catalog.model_entry import ModelEntry
from rushes.ports.http import HttpCall
from tests.contract.vendors.schema_checks import Schema, body_errors
from tests.contract.vendors.together_schemas import DOCUMENTED, TYPES, model_schemas, request_schema

SOURCE = f"{TYPES['package']} {TYPES['version']} (PyPI), {DOCUMENTED['source'].partition(':')[0]}"
_request = cache(request_schema)
_models = cache(model_schemas)


def errors(model: ModelEntry, call: HttpCall) -> list[str]:
    if (call.method, call.path) != ("POST", "/v2/videos"):
        return [f"Together has no {call.method} {call.path}"]
    schema: Schema | None = _models().get(model.model_at_provider)
    if schema is None:
        return [f"{model.model_at_provider} is not documented"]
    if call.json.get("model") != model.model_at_provider:
        return [f"model: {call.json.get('model')!r} is not the model"]
    return body_errors(_request(), call.json) or body_errors(schema, call.json)
