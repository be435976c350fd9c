"""A model with combinations and prices, and a request for it."""

from typing import Any

from rushes.catalog.model_entry import ModelEntry
from rushes.jobs.request import GenerationRequest, Input, Role, StoredFile

FIELDS: dict[str, Any] = {
    "name": "one/model",
    "inputs": ["image", "last_frame", "reference"],
    "max_references": 2,
    "seconds": [6, 4, 8],
    "resolutions": ["720p", "1080p"],
    "aspect_ratios": ["16:9", "9:16"],
    "options": {
        "generate_audio": {"type": "boolean", "default": True},
        "mode": {"values": ["standard", "pro"]},
    },
    "rules": [
        {"when": {"resolution": ["1080p"]}, "allow": {"seconds": [8]}},
        {"when": {"input": ["last_frame"]}, "needs": ["image"]},
        {"when": {"input": ["reference"]}, "allow": {"input": ["reference"]}},
        {"when": {"mode": ["pro"]}, "allow": {"aspect_ratio": ["16:9"], "generate_audio": [False]}},
    ],
    "prices": [
        {"when": {"generate_audio": [False]}, "per_second": 0.1},
        {"when": {"resolution": ["1080p"]}, "per_second": 0.3},
        {"per_second": 0.2},
    ],
}


def model(**changes: Any) -> ModelEntry:
    return ModelEntry.model_validate({**FIELDS, **changes})


def request(*roles: Role, **fields: Any) -> GenerationRequest:
    file = StoredFile(key="k", content_type="image/png", size=1)
    inputs = tuple(Input(role=role, file=file) for role in roles)
    return GenerationRequest(model="m", prompt="a ball", inputs=inputs, **fields)
