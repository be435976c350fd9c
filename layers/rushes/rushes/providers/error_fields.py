"""Read the errors of single fields in an error reply, in the formats that vendors use."""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

LIST_NAMES = (
    *("issues", "errors", "details", "detail", "fieldViolations", "field_violations"),
    *("invalid_params", "invalid-params", "invalidParams", "violations", "validation_errors"),
)
MESSAGE_NAMES = ("message", "msg", "description", "reason", "title")
PATH_NAMES = ("path", "loc", "field", "param", "name", "pointer", "property", "instancePath")
MAX_LINES = 20
MAX_DEPTH = 3


def field_errors(body: Any) -> tuple[str, ...]:  # noqa: ANN401 - any JSON value
    """Return a line `field: message` for each field that the error reply names."""
    return tuple(dict.fromkeys(islice(_lines_of(body, MAX_DEPTH), MAX_LINES)))


def _lines_of(value: Any, depth: int) -> Iterator[str]:  # noqa: ANN401 - any JSON value
    if not isinstance(value, dict) or not depth:
        return
    for name in LIST_NAMES:
        yield from _entries(value.get(name), depth)
    yield from _lines_of(value.get("error"), depth - 1)


def _entries(value: Any, depth: int) -> Iterator[str]:  # noqa: ANN401 - any JSON value
    if isinstance(value, list):
        for entry in value:
            yield from _entry(entry, depth)
    elif isinstance(value, dict):
        for field, problems in value.items():
            yield from _of_field(field, problems)


def _entry(entry: Any, depth: int) -> Iterator[str]:  # noqa: ANN401 - any JSON value
    if not isinstance(entry, dict):
        return
    message = next((entry[name] for name in MESSAGE_NAMES if _is_text(entry.get(name))), None)
    if message:
        yield at(_path_of(entry), message)
    else:
        yield from _lines_of(entry, depth - 1)


def _of_field(field: str, problems: Any) -> Iterator[str]:  # noqa: ANN401 - any JSON value
    """Yield the lines of a table of messages by field."""
    for problem in problems if isinstance(problems, list) else [problems]:
        if _is_text(problem):
            yield at([field], problem)


def _path_of(entry: dict[str, Any]) -> list[str | int]:
    for name in PATH_NAMES:
        value = entry.get(name)
        if isinstance(value, str) and value:
            return [value]
        if isinstance(value, list):
            steps = [step for step in value if isinstance(step, str | int)]
            return [step for step in steps if step != "body"]
    return []


def _is_text(value: Any) -> bool:  # noqa: ANN401 - any JSON value
    return isinstance(value, str) and bool(value)


def at(path: Iterable[str | int], message: str) -> str:
    """Put the path of a field before its message."""
    return f"{'.'.join(map(str, path))}: {message}".removeprefix(": ")
