"""Line numbers of keys in a TOML text."""

import re
from collections.abc import Iterator

KeyPath = tuple[int | str, ...]

_HEADER = re.compile(r"\s*(\[\[?)\s*([^\]]+?)\s*\]")
_KEY = re.compile(r"\s*((?:\"[^\"]*\"|'[^']*'|[\w.-]+)+)\s*=")
_STEP = re.compile(r"\"([^\"]*)\"|'([^']*)'|([^.\"'\s]+)")


def line_of(text: str, path: KeyPath) -> int:
    """Return the line of the deepest table or key that contains `path`."""
    best, depth = 1, 0
    for number, other in _key_paths(text):
        common = _common_length(other, path)
        if common > depth:
            best, depth = number, common
    return best


def line_of_name(text: str, names: list[str], *, is_model: bool = False) -> int:
    """Return the line that defines or mentions the first of the names that the text has."""
    lines = [(number, line.strip()) for number, line in enumerate(text.splitlines(), 1)]
    for name in names:
        definitions = [rf'name\s*=\s*"{re.escape(name)}"'] if is_model else []
        definitions += [rf'(?:"{re.escape(name)}"|{re.escape(name)})\s*=']
        for pattern in definitions:
            for number, line in lines:
                if re.match(pattern, line):
                    return number
        for number, line in lines:
            if f'"{name}"' in line and not line.startswith("#"):
                return number
    return 1


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
    if header[1] == "[[" and "." not in name:
        counts[name] = counts.get(name, -1) + 1
        return (name, counts[name])
    steps = _split(name)
    if steps[0] in counts:  # a table of the last entry, such as [models.options]
        return (steps[0], counts[str(steps[0])], *steps[1:])
    return steps


def _split(name: str) -> KeyPath:
    return tuple(next(filter(None, found), "") for found in _STEP.findall(name))


def _common_length(path: KeyPath, other: KeyPath) -> int:
    """Return the length of the shorter path if it is a prefix of the longer one, or else 0."""
    shorter = min(len(path), len(other))
    return shorter if path[:shorter] == other[:shorter] else 0
