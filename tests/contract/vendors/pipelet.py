"""Check create calls for Pipelet against the transcript of its document."""

from rushes.catalog.model_entry import ModelEntry
from rushes.ports.http import HttpCall
from tests.contract.vendors.published_files import read
from tests.contract.vendors.schema_checks import body_errors

DOCUMENT = read("pipelet")
SOURCE = "pipelet-ai/api-docs at 52dd478e (documentation)"


def errors(model: ModelEntry, call: HttpCall) -> list[str]:
    schema = DOCUMENT["models"].get(model.model_at_provider)
    if schema is None:
        return [f"{model.model_at_provider} is not documented"]
    if (call.method, call.path) != ("POST", f"/{model.model_at_provider}"):
        return [f"Pipelet has no {call.method} {call.path}"]
    return body_errors(schema, call.json)
