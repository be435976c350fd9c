"""`[limits]` of the configuration."""

import math
import tomllib
from typing import Any

import pytest
from pydantic import ValidationError

from rushes.catalog.compile import ConfigError, compile_config
from rushes.catalog.limits import AccountLimit, Limit, Limits
from rushes.catalog.published_config import PublishedConfig, parse_catalog, parse_config

KEY_ID = "0123456789abcdef"
CONFIG = """\
default_model = "sandbox/one"
[providers.sandbox]
protocol = "openai_compatible"
[[models]]
name = "sandbox/one"
"""
LIMITS = f"""
[limits]
creates_per_minute = 60
concurrent_jobs = 10
open_jobs = 500
daily_dollars = 50
monthly_dollars = 500.5
weight = 2
[limits.accounts.studio]
monthly_dollars = 1000
weight = 5
[limits.keys.{KEY_ID}]
daily_dollars = 5
"""


def test_limits_are_inherited() -> None:
    limits = compile_config(CONFIG + LIMITS).limits
    every = Limit(
        creates_per_minute=60,
        concurrent_jobs=10,
        open_jobs=500,
        daily_dollars=50.0,
        monthly_dollars=500.5,
    )
    assert dict(limits.of_account("other")) == dict(every)
    assert dict(limits.of_account("studio")) == {**dict(every), "monthly_dollars": 1000.0}
    assert dict(limits.keys[KEY_ID]) == dict(Limit(daily_dollars=5.0))
    assert (limits.weight_of("studio"), limits.weight_of("other")) == (5, 2)


def test_template_parameters_are_the_defaults() -> None:
    limits = Limits(daily_dollars=5.0, accounts={"free": AccountLimit(daily_dollars=0)})
    defaults = Limit(daily_dollars=9.0, creates_per_minute=300)
    found = {name: limits.of_account(name, defaults) for name in ("free", "other")}
    assert (found["other"].daily_dollars, found["other"].creates_per_minute) == (5.0, 300)
    assert found["free"].daily_dollars == 0
    assert Limits().of_account("other", defaults).daily_dollars == 9.0


def test_configuration_without_limits_has_none() -> None:
    catalog = compile_config(CONFIG)
    assert catalog.limits == Limits()
    assert "limits" not in catalog.model_fields_set
    assert catalog.limits.weight_of("any") == 1


@pytest.mark.parametrize("text", [CONFIG, CONFIG + LIMITS])
def test_published_configuration_has_the_limits(text: str) -> None:
    catalog = compile_config(text)
    config = PublishedConfig(version=3, published_at=1.0, source=text, catalog=catalog)
    document = config.model_dump_json(exclude_unset=True).encode()
    assert (b'"limits"' in document) is ("[limits]" in text)
    assert parse_config(document, 3).catalog == catalog
    assert parse_catalog(document, 3).limits == catalog.limits


@pytest.mark.parametrize(
    ("table", "path"),
    [
        ("[limits]\ndaily_dollar = 5", ("limits", "daily_dollar")),
        ("[limits]\ndaily_dollars = -1", ("limits", "daily_dollars")),
        ("[limits]\ndaily_dollars = inf", ("limits", "daily_dollars")),
        ("[limits]\nmonthly_dollars = nan", ("limits", "monthly_dollars")),
        ('[limits]\ndaily_dollars = "5"', ("limits", "daily_dollars")),
        ("[limits]\nopen_jobs = 2.5", ("limits", "open_jobs")),
        ("[limits]\nopen_jobs = -1", ("limits", "open_jobs")),
        ("[limits]\nopen_jobs = true", ("limits", "open_jobs")),
        ("[limits]\nconcurrent_jobs = 10_000_000", ("limits", "concurrent_jobs")),
        ("[limits]\nweight = 0", ("limits", "weight")),
        ("[limits]\nweight = 101", ("limits", "weight")),
        ("[limits.accounts.a]\ncreates_per_hour = 1", ("limits", "accounts", "a")),
        ("[limits.accounts.A]\nopen_jobs = 1", ("limits", "accounts")),
        ("[limits.accounts.'a#b']\nopen_jobs = 1", ("limits", "accounts")),
        (f"[limits.keys.{KEY_ID}]\nweight = 2", ("limits", "keys", KEY_ID)),
        (f"[limits.keys.rk_{KEY_ID}_secret]\nopen_jobs = 2", ("limits", "keys")),
        ("[limits.keys.0123]\nopen_jobs = 2", ("limits", "keys")),
        ("limits = 5", ("limits",)),
    ],
)
def test_invalid_limit_is_refused_by_name(table: str, path: tuple[str, ...]) -> None:
    text = f"{table}\n{CONFIG}" if table.startswith("limits") else f"{CONFIG}{table}"
    with pytest.raises(ValidationError) as refused:
        compile_config(text)
    (error,) = refused.value.errors()
    assert error["loc"][: len(path)] == path
    assert "secret" not in error["msg"]


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (
            "[limits]\ndaily_dollars = 6\nmonthly_dollars = 5",
            "limits.daily_dollars: must be at most monthly_dollars, 5 (got 6)",
        ),
        (
            "[limits]\nconcurrent_jobs = 6\nopen_jobs = 5",
            "limits.concurrent_jobs: must be at most open_jobs, 5 (got 6)",
        ),
        (
            "[limits]\nmonthly_dollars = 5\n[limits.accounts.a]\ndaily_dollars = 6",
            "limits.accounts.a.daily_dollars: must be at most monthly_dollars, 5 (got 6)",
        ),
        (
            f"[limits.keys.{KEY_ID}]\nmonthly_dollars = 5\ndaily_dollars = 6",
            f"limits.keys.{KEY_ID}.daily_dollars: must be at most monthly_dollars, 5 (got 6)",
        ),
    ],
)
def test_contradiction_is_refused_by_name(table: str, message: str) -> None:
    with pytest.raises(ConfigError) as refused:
        compile_config(CONFIG + table)
    assert str(refused.value) == message
    assert ".".join(refused.value.path) == message.partition(":")[0]


@pytest.mark.parametrize(
    "table",
    [
        "[limits]\ndaily_dollars = 5\nmonthly_dollars = 5",
        "[limits]\ndaily_dollars = 6\nmonthly_dollars = 0",
        "[limits]\nconcurrent_jobs = 5\nopen_jobs = 0",
        "[limits]",
    ],
)
def test_zero_and_equal_limits_do_not_contradict(table: str) -> None:
    compile_config(CONFIG + table)


def test_numbers_that_toml_has_and_json_has_not_are_refused() -> None:
    tables: dict[str, Any] = tomllib.loads("[limits]\ndaily_dollars = inf")
    assert math.isinf(tables["limits"]["daily_dollars"])
    with pytest.raises(ValidationError, match="finite"):
        Limits.model_validate(tables["limits"])
