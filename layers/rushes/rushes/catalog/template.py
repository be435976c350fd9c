"""Fill templates with placeholders: `{seconds}`, or `{seconds!text}` with a form.

A placeholder that is the whole string yields the value with its type, such as a number; within a
longer string it yields text.
"""

import re
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

_BRACES = re.compile(r"\{([^{}]*)\}")


class Placeholder(NamedTuple):
    name: str
    form: str
    """Text after the exclamation mark, or empty."""
    is_whole_string: bool


ValueOf = Callable[[Placeholder], Any]
"""Return the value of a placeholder, or None."""


def placeholders(template: Any) -> Iterator[Placeholder]:  # noqa: ANN401 - any JSON value
    """Yield the placeholders of a string, or of all strings in a list or a table."""
    if isinstance(template, str):
        for match in _BRACES.finditer(template):
            name, _, form = match[1].partition("!")
            yield Placeholder(name, form, match[0] == template)
    elif isinstance(template, dict | list | tuple):
        for member in template.values() if isinstance(template, dict) else template:
            yield from placeholders(member)


def fill(template: Any, value_of: ValueOf) -> Any:  # noqa: ANN401 - any JSON value
    """Return the template with values, or None if nothing remains of it.

    A member with a placeholder without a value is left out, as is a table or list that becomes
    empty, and an entry of a list none of whose placeholders has a value.
    """
    if isinstance(template, str):
        return _fill_text(template, value_of)
    if isinstance(template, dict):
        table = {name: fill(member, value_of) for name, member in template.items()}
        return _unless_emptied(
            template, {name: value for name, value in table.items() if value is not None}
        )
    if isinstance(template, list | tuple):
        entries = [filled for entry in template for filled in _entries(entry, value_of)]
        return _unless_emptied(template, entries)
    return template


def _entries(entry: Any, value_of: ValueOf) -> list[Any]:  # noqa: ANN401 - any JSON value
    """Fill an entry of a list; a value that is a list makes one entry per member."""
    lists = {
        placeholder.name: value
        for placeholder in placeholders(entry)
        if isinstance(value := value_of(placeholder), list)
    }
    if not lists:
        filled = fill(entry, value_of) if _has_value(entry, value_of) else None
        return [] if filled is None else [filled]
    name, members = next(iter(lists.items()))
    return [fill(entry, _with_member(value_of, name, number)) for number in range(len(members))]


def _with_member(value_of: ValueOf, name: str, number: int) -> ValueOf:
    def member_of(placeholder: Placeholder) -> Any:  # noqa: ANN401 - any JSON value
        value = value_of(placeholder)
        return value[number] if placeholder.name == name else value

    return member_of


def _unless_emptied(template: Any, filled: Any) -> Any:  # noqa: ANN401 - any JSON value
    return filled if filled or not template else None


def _has_value(entry: Any, value_of: ValueOf) -> bool:  # noqa: ANN401 - any JSON value
    found = list(placeholders(entry))
    return not found or any(value_of(placeholder) is not None for placeholder in found)


def _fill_text(template: str, value_of: ValueOf) -> Any:  # noqa: ANN401 - any JSON value
    values = [value_of(placeholder) for placeholder in placeholders(template)]
    if any(value is None for value in values):
        return None
    if values and next(placeholders(template)).is_whole_string:
        return values[0]
    texts = map(as_text, values)
    return _BRACES.sub(lambda _: next(texts), template)


def as_text(value: object) -> str:
    """Convert to text, booleans in lower case as in JSON."""
    return str(value).lower() if isinstance(value, bool) else str(value)
