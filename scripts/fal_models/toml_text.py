"""Write models as TOML: short tables inline, in the order of the keys."""

import json
import re
from typing import Any

TABLES = ("options", "rules", "variants", "prices")
"""Keys that are written as tables of their own, after the others."""
_BARE = re.compile(r"[A-Za-z0-9_-]+")
MAX_INLINE = 100


def model_text(model: dict[str, Any]) -> str:
    lines = ["[[models]]"]
    for key, value in model.items():
        if key in TABLES:
            continue
        if key in ("values", "arguments") or not isinstance(value, dict):
            lines.extend(_assignments(key, value))
        else:
            lines.append(f"{key} = {value_text(value)}")
    if "options" in model:
        lines.append("[models.options]")
        lines.extend(map(_line, model["options"].items()))
    for key in TABLES[1:]:
        for row in model.get(key, ()):
            lines.append(f"[[models.{key}]]")
            lines.extend(map(_line, row.items()))
    return "\n".join(lines) + "\n"


def _assignments(key: str, value: Any) -> list[str]:  # noqa: ANN401 - any TOML value
    """Write a long table as one line per member."""
    text = f"{key} = {value_text(value)}"
    if not isinstance(value, dict) or len(text) <= MAX_INLINE:
        return [text]
    return [f"{key}.{_key(name)} = {value_text(member)}" for name, member in value.items()]


def value_text(value: Any) -> str:  # noqa: ANN401 - any TOML value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(value_text, value)) + "]"
    if isinstance(value, dict):
        return "{ " + ", ".join(map(_line, value.items())) + " }"
    return str(value)


def _line(member: tuple[str, Any]) -> str:
    return f"{_key(member[0])} = {value_text(member[1])}"


def _key(name: str) -> str:
    return name if _BARE.fullmatch(name) else json.dumps(name)
