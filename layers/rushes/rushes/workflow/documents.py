"""Store a JSON result as a file in the bucket."""

from typing import Any

from pydantic_core import to_json

from rushes.jobs.request import StoredFile, Upload
from rushes.ports.storage import Blobs


def encode(document: dict[str, Any]) -> bytes:
    """Serialize as JSON; NaN and infinity, which speech models return, become null."""
    return to_json(document, inf_nan_mode="null")


def store(blobs: Blobs, folder: str, content: bytes) -> StoredFile:
    return blobs.put(f"{folder}document.json", Upload("document", "application/json", content))
