"""CSV of RFC 4180 for spreadsheets."""

import csv
import io
from collections.abc import Iterable, Sequence

CONTENT_TYPE = "text/csv; charset=utf-8; header=present"
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
"""Beginnings of a cell that spreadsheets read as a formula, or that hide one."""


def csv_text(columns: Sequence[str], rows: Iterable[Sequence[str | int | None]]) -> str:
    """Return lines that end with CR LF, with a header; an absent value is an empty cell."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow([safe_cell(column) for column in columns])
    for row in rows:
        writer.writerow([safe_cell(value) for value in row])
    return text.getvalue()


def safe_cell(value: str | int | None) -> str | int | None:
    """Prefix a text that a spreadsheet would run as a formula with an apostrophe.

    Also one behind spaces: spreadsheets skip them.
    """
    if isinstance(value, str) and value.lstrip(" ").startswith(FORMULA):
        return f"'{value}"
    return value
