"""Texts with placeholders: `{seconds}`, or with how to write it, `{seconds!text}`.

A placeholder that is a whole text stands for the value as it is, a number for example; within a
longer text it stands for its words.
"""

import re
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

_BRACES = re.compile(r"\{([^{}]*)\}")


class Placeholder(NamedTuple):
    name: str
    form: str
    """What follows the exclamation mark; empty where there is none."""
    is_alone: bool
    """Whether it is the whole text."""


ValueOf = Callable[[Placeholder], Any]
"""What stands for a placeholder; None where there is nothing."""


def placeholders(template: Any) -> Iterator[Placeholder]:  # noqa: ANN401 - any JSON value
    """All placeholders of a text, or of the texts in a list or a table, at any depth."""
    if isinstance(template, str):
        for match in _BRACES.finditer(template):
            yield _placeholder(match, template)
    elif isinstance(template, dict):
        for member in template.values():
            yield from placeholders(member)
    elif isinstance(template, list | tuple):
        for member in template:
            yield from placeholders(member)


def fill(template: Any, value_of: ValueOf) -> Any:  # noqa: ANN401 - any JSON value
    """The template with values in it, None where nothing is left of it.

    What has no value takes the member that it is in with it; a table or list left empty goes too,
    and an entry of a list goes when all its placeholders have none.
    """
    if isinstance(template, str):
        return _fill_text(template, value_of)
    if isinstance(template, dict):
        table = {name: fill(member, value_of) for name, member in template.items()}
        return _rest(template, {name: it for name, it in table.items() if it is not None})
    if isinstance(template, list | tuple):
        kept = [fill(entry, value_of) for entry in template if _says_something(entry, value_of)]
        return _rest(template, [entry for entry in kept if entry is not None])
    return template


def _rest(template: Any, filled: Any) -> Any:  # noqa: ANN401 - any JSON value
    return filled if filled or not template else None


def _says_something(entry: Any, value_of: ValueOf) -> bool:  # noqa: ANN401 - any JSON value
    found = list(placeholders(entry))
    return not found or any(value_of(placeholder) is not None for placeholder in found)


def _fill_text(template: str, value_of: ValueOf) -> Any:  # noqa: ANN401 - any JSON value
    values = [value_of(placeholder) for placeholder in placeholders(template)]
    if any(value is None for value in values):
        return None
    if values and next(placeholders(template)).is_alone:
        return values[0]
    words = iter(values)
    return _BRACES.sub(lambda _: as_text(next(words)), template)


def _placeholder(match: re.Match[str], template: str) -> Placeholder:
    name, _, form = match[1].partition("!")
    return Placeholder(name, form, match[0] == template)


def as_text(value: object) -> str:
    """Booleans in lower case, as in JSON."""
    return str(value).lower() if isinstance(value, bool) else str(value)
