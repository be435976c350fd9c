"""Files below `published/`: what the vendors' packages declare, extracted by `extract_*.py`."""

import json
import sys
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).with_name("published")


def write(vendor: str, document: dict[str, Any]) -> None:
    """Write the document to the file of the vendor, or to the path given on the command line."""
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER / f"{vendor}.json"
    target.write_text(dump(document))


def read(vendor: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads((FOLDER / f"{vendor}.json").read_text())
    return document


def dump(document: dict[str, Any]) -> str:
    """Write two levels in lines of their own, so that a change shows as a change of few lines."""
    parts = []
    for name, value in document.items():
        if isinstance(value, dict) and value:
            lines = [f"  {json.dumps(key)}: {json.dumps(member)}" for key, member in value.items()]
            parts.append(f"{json.dumps(name)}: {{\n" + ",\n".join(lines) + "\n}")
        else:
            parts.append(f"{json.dumps(name)}: {json.dumps(value)}")
    return "{\n" + ",\n".join(parts) + "\n}\n"
