"""Amounts of money as whole micro-dollars: their sums are exact."""

MICRO = 1_000_000
DECIMALS = 6


def micro_dollars(dollars: float | None) -> int:
    """Convert an amount of a job, which has at most 6 decimals; an unknown one counts as 0."""
    return round((dollars or 0.0) * MICRO)


def dollars(micro: int) -> float:
    """Return the number for JSON; its shortest form has the exact decimals below $1,000,000,000."""
    return micro / MICRO


def dollar_text(micro: int) -> str:
    """Return the exact amount with 6 decimals, such as `0.250000`."""
    sign, amount = "-" if micro < 0 else "", abs(micro)
    return f"{sign}{amount // MICRO}.{amount % MICRO:0{DECIMALS}d}"


def cents(micro: int) -> str:
    """Return the amount rounded to cents, for people: `1,234.57`."""
    return f"{micro / MICRO:,.2f}"
