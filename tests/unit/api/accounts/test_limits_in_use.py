"""Limits in force, and what is used of them."""

from rushes.api.accounts.limits_in_use import LimitInUse, LimitsInUse
from rushes.catalog.limits import Limit
from rushes.catalog.models import read_catalog
from rushes.ports.limits import Usage
from tests.fakes import FakeClock, FakeLimits, FixedCatalogs

KEY_ID = "0123456789abcdef"
CATALOG = read_catalog(f"""
default_model = "sandbox/one"
[providers.sandbox]
protocol = "openai_compatible"
[[models]]
name = "sandbox/one"
seconds = [4]
[limits]
monthly_dollars = 100
[limits.accounts.team]
daily_dollars = 10
open_jobs = 5
[limits.keys.{KEY_ID}]
daily_dollars = 2
""")
CLOCK = FakeClock(1_800_000_000.0)  # 2027-01-15


def limits(**used: Usage) -> LimitsInUse:
    usage = FakeLimits()
    usage.rows = {name.replace("__", "#").replace("_", "-"): found for name, found in used.items()}
    return LimitsInUse(FixedCatalogs(CATALOG), usage, CLOCK, Limit(creates_per_minute=300))


def test_limits_of_an_account_are_those_in_force():
    found = limits(
        team__2027_01_15=Usage(7.5, 6.25), team__2027_01=Usage(50.0, 50.0), team__open=Usage(3)
    ).of_account("team")
    assert found == (
        LimitInUse("creates_per_minute", 300),
        LimitInUse("open_jobs", 5, 3),
        LimitInUse("daily_dollars", 10.0, 7.5, 6.25, 1.25, "2027-01-16T00:00Z"),
        LimitInUse("monthly_dollars", 100.0, 50.0, 50.0, 0.0, "2027-02-01T00:00Z"),
    )


def test_budget_without_a_maximum_is_shown_if_it_is_used():
    found = limits(other__2027_01_15=Usage(1.0, 0.0)).of_account("other")
    assert [(limit.limit, limit.maximum, limit.reserved) for limit in found] == [
        ("creates_per_minute", 300, None),
        ("daily_dollars", None, 1.0),
        ("monthly_dollars", 100.0, 0.0),
    ]


def test_key_has_its_own_limits_only():
    used = limits(**{f"team__{KEY_ID}__2027_01_15": Usage(1.5, 1.0)})
    assert used.of_key("team", KEY_ID) == (
        LimitInUse("daily_dollars", 2.0, 1.5, 1.0, 0.5, "2027-01-16T00:00Z"),
    )
    assert used.of_key("team", "f" * 16) == ()
