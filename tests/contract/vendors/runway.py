"""Check create calls for Runway against the request types of its SDK."""

from rushes.catalog.model_entry import ModelEntry
from rushes.ports.http import HttpCall
from tests.contract.vendors.published_files import read
from tests.contract.vendors.schema_checks import body_errors

TYPES = read("runway")
SOURCE = f"{TYPES['package']} {TYPES['version']} (PyPI)"
VERSION = "2024-11-06"


def errors(model: ModelEntry, call: HttpCall) -> list[str]:
    schema = TYPES["requests"].get(f"/v1{call.path} {model.model_at_provider}")
    if call.method != "POST" or schema is None:
        return [f"Runway has no {call.method} {call.path} for {model.model_at_provider}"]
    invalid = body_errors(schema, call.json)
    if call.headers.get("x-runway-version") != VERSION:
        invalid.append(f"header x-runway-version must be {VERSION}")
    return invalid + _misplaced_frames(call.json)


def _misplaced_frames(body: dict[str, object]) -> list[str]:
    """A last frame needs a first one, and each position occurs once: documented, not typed."""
    images = body.get("promptImage")
    if not isinstance(images, list):
        return []
    positions = [image.get("position") for image in images]
    valid = positions in (["first"], ["first", "last"])
    return [] if valid else [f"promptImage: positions {positions}"]
