"""Output of the commands: text for people, or JSON."""

import json
import re
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import typer
from rich.console import Console
from rich.table import Table

from rushes.jobs.quota import in_dollars

CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
"""All but the line feed, with those that change the direction of a text."""


def printable(text: str) -> str:
    """Escape control characters: a terminal obeys those that a client or a provider sent."""
    return CONTROL.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def print_json(value: Any) -> None:  # noqa: ANN401 - any JSON
    typer.echo(printable(json.dumps(value, indent=2, ensure_ascii=False)))


def print_result(value: Any, *lines: str, json: bool) -> None:  # noqa: ANN401 - any JSON
    """Print the value as JSON, or the lines that say the same."""
    if json:
        print_json(value)
    else:
        print_lines(lines)


def print_lines(lines: Iterable[str]) -> None:
    typer.echo("\n".join(map(printable, lines)))


def print_table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print aligned columns; they are not cut off if the output is no terminal."""
    table = Table(box=None, pad_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*map(printable, row))
    console = Console(highlight=False, markup=False, emoji=False)
    if not console.is_terminal:
        console.width = 1000
    console.print(table)


def print_fields(fields: Mapping[str, object]) -> None:
    """Print a table of names and values, without the empty ones."""
    print_table(("", ""), ((name, str(value)) for name, value in fields.items() if value))


def warn(message: str) -> None:
    typer.echo(f"warning: {message}", err=True)


def moment(seconds: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(seconds))


def dollars(amount: float | None) -> str:
    return "unknown" if amount is None else in_dollars(amount)
