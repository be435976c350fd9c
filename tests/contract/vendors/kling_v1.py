"""Check create calls for the older API of Kling against the documentation of the paths."""

from typing import Any

from rushes.catalog.model_entry import ModelEntry
from rushes.ports.http import HttpCall
from tests.contract.vendors.published_files import read
from tests.contract.vendors.schema_checks import body_errors

DOCUMENTED = read("kling-v1-documented")
SOURCE = f"documentation ({DOCUMENTED['date']})"


def errors(model: ModelEntry, call: HttpCall) -> list[str]:
    name = call.json.get("model_name", model.model_at_provider)
    schema = DOCUMENTED["requests"].get(f"{call.path} {name}")
    if call.method != "POST" or schema is None:
        return [f"Kling documents no {call.method} {call.path} for {name}"]
    return body_errors(schema, call.json)


def example(model: ModelEntry, option: str) -> Any:  # noqa: ARG001 - contract
    return {"element_list": [{"element_id": 1}]}[option]
