"""Limits and what is used of them, as a table."""

from collections.abc import Sequence

import typer

from cli.output import print_table
from rushes.api.keys.views import LimitView
from rushes.jobs.quota import in_dollars

COLUMNS = ("limit", "maximum", "used", "settled", "reserved", "resets")


def print_limits(limits: Sequence[LimitView]) -> None:
    if limits:
        typer.echo("")
        print_table(COLUMNS, map(_row, limits))


def _row(limit: LimitView) -> tuple[str, ...]:
    is_budget = limit.limit.endswith("_dollars")
    amounts = (limit.maximum, limit.used, limit.settled, limit.reserved)
    texts = [_amount(amount, is_budget=is_budget) for amount in amounts]
    texts[0] = texts[0] or "no limit"
    return (limit.limit, *texts, limit.resets_at or "")


def _amount(amount: float | None, *, is_budget: bool) -> str:
    if amount is None:
        return ""
    return in_dollars(amount) if is_budget else f"{amount:.0f}"
