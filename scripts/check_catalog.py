"""Check catalogs before they are deployed, and say by line what is wrong with them.

    python scripts/check_catalog.py [CATALOG.toml ...]

Without a name it checks the one that is deployed. The exit status is 1 where something is wrong.
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

Place = tuple[int | str, ...]
_HEADER = re.compile(r"\s*(\[\[?)\s*([^\]]+?)\s*\]")
_MEMBER = re.compile(r"\s*([\w\"'.-]+)\s*=")
_QUOTED = re.compile(r"'([^']+)'")


def main() -> int:
    files = [Path(name) for name in sys.argv[1:]] or [CATALOG_FILE]
    faults = [f"{_shown(file)}:{fault}" for file in files for fault in faults_in(file.read_text())]
    print(*faults, sep="\n", end="\n" if faults else "")
    return 1 if faults else 0


def faults_in(text: str) -> Iterator[str]:
    """What is wrong, each as `line: where: what`."""
    try:
        read_catalog(text)
    except tomllib.TOMLDecodeError as error:
        found = re.search(r"\(at line (\d+)", str(error))
        line = found[1] if found else text.count("\n") or 1
        yield f"{line}: not TOML: {error}"
        return
    except ValidationError as error:
        for fault in error.errors(include_url=False, include_input=False):
            place, message = fault["loc"], fault["msg"].removeprefix("Value error, ")
            line = line_of(text, place) if place else _line_of_named(text, message)
            yield f"{line}: {_name(text, place)}{message}"
    yield from _unknown_kinds(text)
    yield from _not_searchable(text)
    yield from _prices_of_nobody(text)


def _not_searchable(text: str) -> Iterator[str]:
    try:
        providers = read_catalog(text).providers
    except ValidationError:  # that has been told already
        return
    for name, entry in providers.items():
        known = entry.idempotency == "lookup" and entry.protocol in PROVIDERS
        if known and not isinstance(adapter(entry), SupportsLookup):
            line = line_of(text, ("providers", name, "idempotency"))
            yield f"{line}: provider {name!r}: protocol {entry.protocol!r} cannot be searched"


def _prices_of_nobody(text: str) -> Iterator[str]:
    models = tomllib.loads(text).get("models")
    for number, model in enumerate(models if isinstance(models, list) else ()):
        priced = [price for price in ("price_per_second", "price_per_job") if model.get(price)]
        if priced and not model.get("price_source"):
            line = line_of(text, ("models", number, priced[0]))
            yield f"{line}: model {model.get('name')!r}: {priced[0]} without a price_source"


def _unknown_kinds(text: str) -> Iterator[str]:
    """The catalog itself does not know the kinds: whoever reads it must not load the adapters."""
    known = ", ".join(sorted(PROVIDERS))
    providers = tomllib.loads(text).get("providers")
    entries = providers.items() if isinstance(providers, dict) else ()
    for name, provider in entries:
        protocol = provider.get("protocol") if isinstance(provider, dict) else None
        if isinstance(protocol, str) and protocol not in PROVIDERS:
            line = line_of(text, ("providers", name, "protocol"))
            yield f"{line}: providers.{name}.protocol: {protocol!r} is not one of {known}"


def line_of(text: str, place: Place) -> int:
    """The line of the deepest table or member on the way to a place that the text has."""
    best, depth = 1, 0
    for number, path in _paths(text):
        common = _common(path, place)
        if common > depth:
            best, depth = number, common
    return best


def _paths(text: str) -> Iterator[tuple[int, Place]]:
    """Each line that begins a table or a member, and where it stands."""
    counts: dict[str, int] = {}
    table: Place = ()
    for number, line in enumerate(text.splitlines(), 1):
        if header := _HEADER.match(line):
            table = _table(header, counts)
            yield number, table
        elif member := _MEMBER.match(line):
            yield number, (*table, *_keys(member[1]))


def _table(header: re.Match[str], counts: dict[str, int]) -> Place:
    name = header[2]
    if header[1] == "[[":
        counts[name] = counts.get(name, -1) + 1
        return (*_keys(name), counts[name])
    return _keys(name)


def _keys(name: str) -> Place:
    return tuple(re.findall(r"[^.\"'\s]+", name)) if '"' not in name else (name.strip('"'),)


def _common(path: Place, place: Place) -> int:
    """How much of the path leads to the place; nothing where it leads elsewhere."""
    shorter = min(len(path), len(place))
    return shorter if path[:shorter] == place[:shorter] else 0


def _line_of_named(text: str, message: str) -> int:
    """Faults of the whole name what they are about: a member, or else a text in quotes."""
    lines = [(number, line.strip()) for number, line in enumerate(text.splitlines(), 1)]
    for name in _QUOTED.findall(message):
        for number, line in lines:
            if message.startswith("model ") and re.match(rf'name\s*=\s*"{re.escape(name)}"', line):
                return number
        for number, line in lines:
            if _MEMBER.match(line) and line.startswith((f"{name} ", f'"{name}" ', f"{name}=")):
                return number
        for number, line in lines:
            if f'"{name}"' in line and not line.startswith("#"):
                return number
    return 1


def _name(text: str, place: Place) -> str:
    """A place as a person says it: a model by its name."""
    if not place:
        return ""
    steps = [str(step) for step in place]
    if place[0] == "models" and len(place) > 1 and isinstance(place[1], int):
        model: Any = tomllib.loads(text)["models"][place[1]]
        steps[:2] = [f"model {model['name']!r}"] if "name" in model else steps[:2]
    return f"{'.'.join(steps)}: "


def _shown(file: Path) -> str:
    return str(file.relative_to(Path.cwd())) if file.is_relative_to(Path.cwd()) else str(file)


if __name__ == "__main__":
    sys.exit(main())
