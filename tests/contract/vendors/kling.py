"""Check create calls for Kling against the documentation of the paths."""

from typing import Any

from rushes.catalog.model_entry import ModelEntry
from rushes.ports.http import HttpCall
from tests.contract.vendors.published_files import read
from tests.contract.vendors.schema_checks import body_errors

DOCUMENTED = read("kling-documented")
SOURCE = f"documentation ({DOCUMENTED['date']})"
ELEMENT = {"type": "element", "element_id": "1", "id": "element_1"}


def errors(model: ModelEntry, call: HttpCall) -> list[str]:
    schema = DOCUMENTED["requests"].get(call.path)
    if call.method != "POST" or schema is None:
        return [f"Kling documents no {call.method} {call.path}"]
    if call.path.rpartition("/")[2] != model.model_at_provider.partition("/")[0]:
        return [f"{call.path} is not a path of the model"]
    return body_errors(schema, call.json)


def example(model: ModelEntry, option: str) -> Any:  # noqa: ARG001 - contract
    return {"elements": [ELEMENT]}[option]
