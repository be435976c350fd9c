"""Ids of jobs, which sort by time."""


def new_id(now: float, random_hex: str) -> str:
    """Build an id that sorts by time: milliseconds since 1970 in hexadecimal, then randomness."""
    return f"{oldest_id(now)}{random_hex}"


def oldest_id(now: float) -> str:
    """Return a lower bound of all ids created since `now`."""
    return f"job_{int(now * 1000):012x}"
