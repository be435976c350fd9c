"""Check create calls for Bifrost against its OpenAPI document."""

from functools import cache

from rushes.catalog.model_entry import ModelEntry
from rushes.ports.http import HttpCall
from tests.contract.vendors.schema_checks import Schema, body_errors
from tests.published import BIFROST, closed, spec

SOURCE = "maximhq/bifrost docs/openapi (May 2026)"


@cache
def _schema() -> Schema:
    """Return the schema, closed: the gateway passes other fields to the provider unchecked."""
    operation = spec(BIFROST)["paths"]["/v1/videos"]["post"]
    return closed(BIFROST, operation["requestBody"]["content"]["application/json"]["schema"])


def errors(model: ModelEntry, call: HttpCall) -> list[str]:
    if (call.method, call.path) != ("POST", "/videos"):
        return [f"Bifrost has no {call.method} {call.path}"]
    provider, slash, name = model.model_at_provider.partition("/")
    if not (provider and slash and name):
        return ["model must be provider/model"]
    reference = (call.json or {}).get("input_reference", "data:")
    if not reference.startswith("data:"):
        return ["input_reference: OpenAI and Gemini require a data URL"]
    return body_errors(_schema(), call.json)
