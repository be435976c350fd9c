"""One request of a corpus, and the vendored public cases."""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

VENDORED = Path(__file__).parent / "vendored"
JSON: Mapping[str, str] = MappingProxyType({"content-type": "application/json"})


@dataclass(frozen=True)
class Case:
    """`{job}`, `{finished_job}`, `{endpoint}` and `{message}` in a path or body stand for an id of
    the caller, `{key}` for its API key.
    """

    name: str
    method: str
    path: str
    body: bytes | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    """In addition to the caller's API key, or in its place."""
    query: Mapping[str, str] = field(default_factory=dict)


def naughty_strings() -> tuple[str, ...]:
    """Return the Big List of Naughty Strings."""
    encoded: list[str] = _vendored("blns.base64.json")
    return tuple(base64.b64decode(text).decode() for text in encoded)


def json_test_suite() -> dict[str, bytes]:
    """Return JSONTestSuite's files by name, and its two large ones in a shorter form."""
    encoded: dict[str, str] = _vendored("json_test_suite.base64.json")
    cases = {name: base64.b64decode(text) for name, text in encoded.items()}
    cases["n_structure_100000_opening_arrays"] = b"[" * 100_000
    cases["n_structure_open_array_object"] = b'[{"":' * 50_000
    return cases


def _vendored(name: str) -> Any:
    return json.loads((VENDORED / name).read_text())
