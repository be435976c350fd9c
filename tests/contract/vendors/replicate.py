"""Check create calls for Replicate against a transcript of the models' input schemas."""

from collections.abc import Iterator
from typing import Any

from rushes.catalog.model_entry import ModelEntry
from rushes.ports.http import HttpCall
from tests.contract.vendors.published_files import read
from tests.contract.vendors.schema_checks import body_errors

PUBLISHED = read("replicate")
SOURCE = f"documentation: input schemas of the models, transcribed until {PUBLISHED['date']}"


def errors(model: ModelEntry, call: HttpCall) -> list[str]:
    upstream = model.model_at_provider
    if (call.method, call.path) != ("POST", f"/models/{upstream}/predictions"):
        return [f"Replicate has no {call.method} {call.path} for {upstream}"]
    if set(call.json) != {"input"}:
        return [f"the body must have input only (got {', '.join(call.json)})"]
    if upstream not in PUBLISHED["models"]:
        return [f"{upstream} has no published schema"]
    arguments = call.json["input"]
    invalid = body_errors(PUBLISHED["models"][upstream]["input"], arguments)
    return invalid or list(_forbidden(upstream, arguments))


def _forbidden(model: str, arguments: dict[str, Any]) -> Iterator[str]:
    """Yield the combinations that the descriptions of the fields forbid."""
    for about, rule in PUBLISHED["rules"].items():
        if model in rule["models"] and not body_errors(rule["not"], arguments):
            yield about
