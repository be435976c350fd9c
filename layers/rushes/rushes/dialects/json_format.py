"""JSON serialization that several dialects share."""

import json
from collections.abc import Mapping
from typing import Any


def as_json(body: object) -> str:
    """Serialize without spaces: a Lambda response is limited to 6 MB."""
    return json.dumps(body, ensure_ascii=False, separators=(",", ":"))


def without_nulls(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}
