"""Validate catalog files before deployment and report each error with its line.

    python scripts/check_catalog.py [CATALOG.toml ...]

Checks the deployed catalog by default. The exit status is 1 if there are errors.
"""

import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import ValidationError

sys.path.insert(0, str(Path(__file__).parents[1] / "layers" / "rushes"))

from rushes.catalog.models import CATALOG_FILE, read_catalog
from rushes.providers import PROVIDERS, adapter
from rushes.providers.base import SupportsLookup

KeyPath = tuple[int | str, ...]
_HEADER = re.compile(r"\s*(\[\[?)\s*([^\]]+?)\s*\]")
_KEY = re.compile(r"\s*([\w\"'.-]+)\s*=")
_QUOTED = re.compile(r"'([^']+)'")


def main() -> int:
    files = [Path(name) for name in sys.argv[1:]] or [CATALOG_FILE]
    errors = [
        f"{_relative(file)}:{error}" for file in files for error in errors_in(file.read_text())
    ]
    print(*errors, sep="\n", end="\n" if errors else "")
    return 1 if errors else 0


def errors_in(text: str) -> Iterator[str]:
    """Yield each error as `line: key: message`."""
    try:
        read_catalog(text)
    except tomllib.TOMLDecodeError as error:
        found = re.search(r"\(at line (\d+)", str(error))
        line = found[1] if found else text.count("\n") or 1
        yield f"{line}: not TOML: {error}"
        return
    except ValidationError as error:
        for details in error.errors(include_url=False, include_input=False):
            path, message = details["loc"], details["msg"].removeprefix("Value error, ")
            line = line_of(text, path) if path else _line_of_name(text, message)
            yield f"{line}: {_prefix(text, path)}{message}"
    yield from _unknown_protocols(text)
    yield from _unsupported_lookups(text)
    yield from _prices_without_source(text)


def _unsupported_lookups(text: str) -> Iterator[str]:
    try:
        providers = read_catalog(text).providers
    except ValidationError:  # already reported
        return
    for name, entry in providers.items():
        needs_lookup = entry.idempotency == "lookup" and entry.protocol in PROVIDERS
        if needs_lookup and not isinstance(adapter(entry), SupportsLookup):
            line = line_of(text, ("providers", name, "idempotency"))
            yield f"{line}: provider {name!r}: protocol {entry.protocol!r} does not support lookup"


def _prices_without_source(text: str) -> Iterator[str]:
    models = tomllib.loads(text).get("models")
    for number, model in enumerate(models if isinstance(models, list) else ()):
        priced = [price for price in ("price_per_second", "price_per_job") if model.get(price)]
        if priced and not model.get("price_source"):
            line = line_of(text, ("models", number, priced[0]))
            yield f"{line}: model {model.get('name')!r}: {priced[0]} without a price_source"


def _unknown_protocols(text: str) -> Iterator[str]:
    """Check protocols here: the catalog cannot, as its readers must not load the adapters."""
    known = ", ".join(sorted(PROVIDERS))
    providers = tomllib.loads(text).get("providers")
    entries = providers.items() if isinstance(providers, dict) else ()
    for name, provider in entries:
        protocol = provider.get("protocol") if isinstance(provider, dict) else None
        if isinstance(protocol, str) and protocol not in PROVIDERS:
            line = line_of(text, ("providers", name, "protocol"))
            yield (
                f"{line}: providers.{name}.protocol: must be one of {known} (got {protocol[:40]!r})"
            )


def line_of(text: str, path: KeyPath) -> int:
    """Return the line of the deepest table or key that contains `path`."""
    best, depth = 1, 0
    for number, other in _key_paths(text):
        common = _common_length(other, path)
        if common > depth:
            best, depth = number, common
    return best


def _key_paths(text: str) -> Iterator[tuple[int, KeyPath]]:
    """Yield the line number and path of each table header and key."""
    counts: dict[str, int] = {}
    table: KeyPath = ()
    for number, line in enumerate(text.splitlines(), 1):
        if header := _HEADER.match(line):
            table = _table_path(header, counts)
            yield number, table
        elif key := _KEY.match(line):
            yield number, (*table, *_split(key[1]))


def _table_path(header: re.Match[str], counts: dict[str, int]) -> KeyPath:
    name = header[2]
    if header[1] == "[[":
        counts[name] = counts.get(name, -1) + 1
        return (*_split(name), counts[name])
    return _split(name)


def _split(name: str) -> KeyPath:
    return tuple(re.findall(r"[^.\"'\s]+", name)) if '"' not in name else (name.strip('"'),)


def _common_length(path: KeyPath, other: KeyPath) -> int:
    """Return the length of the shorter path if it is a prefix of the longer one, or else 0."""
    shorter = min(len(path), len(other))
    return shorter if path[:shorter] == other[:shorter] else 0


def _line_of_name(text: str, message: str) -> int:
    """Find the line of an error of the whole catalog by the names in quotes in its message."""
    lines = [(number, line.strip()) for number, line in enumerate(text.splitlines(), 1)]
    for name in _QUOTED.findall(message):
        for number, line in lines:
            if message.startswith("model ") and re.match(rf'name\s*=\s*"{re.escape(name)}"', line):
                return number
        for number, line in lines:
            if _KEY.match(line) and line.startswith((f"{name} ", f'"{name}" ', f"{name}=")):
                return number
        for number, line in lines:
            if f'"{name}"' in line and not line.startswith("#"):
                return number
    return 1


def _prefix(text: str, path: KeyPath) -> str:
    """Format a key path, with a model's name in place of its index."""
    if not path:
        return ""
    steps = [str(step) for step in path]
    if path[0] == "models" and len(path) > 1 and isinstance(path[1], int):
        model: Any = tomllib.loads(text)["models"][path[1]]
        steps[:2] = [f"model {model['name']!r}"] if "name" in model else steps[:2]
    return f"{'.'.join(steps)}: "


def _relative(file: Path) -> str:
    return str(file.relative_to(Path.cwd())) if file.is_relative_to(Path.cwd()) else str(file)


if __name__ == "__main__":
    sys.exit(main())
