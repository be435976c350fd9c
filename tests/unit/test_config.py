"""Settings against the environment variables of template.yaml."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import ValidationError

from local.packaging import read_template
from rushes.config import Settings, settings

TEMPLATE = read_template(Path(__file__).parents[2] / "template.yaml")
EVERYWHERE = set(TEMPLATE["Globals"]["Function"]["Environment"]["Variables"])
FUNCTIONS = {
    name: set(resource["Properties"].get("Environment", {}).get("Variables", {}))
    for name, resource in TEMPLATE["Resources"].items()
    if resource["Type"] == "AWS::Serverless::Function"
}
ENVIRONMENT = {
    "TABLE_NAME": "jobs",
    "BUCKET_NAME": "media",
    "PROVIDER_SECRETS": "rushes/providers",
    "OUTPUT_DAYS": "30",
    "OUTPUT_BYTES": "5368709120",
    "LOCAL_MODE": "false",
}


def variable(field: str) -> str:
    return str(Settings.model_fields[field].alias)


@pytest.fixture(autouse=True)
def no_settings(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Clear the environment and the cached settings."""
    for field in Settings.model_fields:
        monkeypatch.delenv(variable(field), raising=False)
    settings.cache_clear()
    yield
    settings.cache_clear()


@pytest.mark.parametrize("field", Settings.model_fields)
def test_settings_are_all_set_by_the_template(field: str) -> None:
    required = Settings.model_fields[field].is_required()
    assert variable(field) in (EVERYWHERE if required else EVERYWHERE.union(*FUNCTIONS.values()))


def test_settings_read_every_variable_of_the_template() -> None:
    powertools = {"POWERTOOLS_SERVICE_NAME", "POWERTOOLS_LOG_LEVEL"}
    read = {variable(field) for field in Settings.model_fields} | powertools
    assert EVERYWHERE.union(*FUNCTIONS.values()) == read


def test_state_machine_arn_is_set_only_in_functions_that_start_executions() -> None:
    starters = {name for name, variables in FUNCTIONS.items() if "STATE_MACHINE_ARN" in variables}
    assert starters == {"ApiFunction", "SweepFunction"}


def test_settings_are_parsed_and_cached(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    first = settings()
    assert (first.table_name, first.bucket_name, first.output_days) == ("jobs", "media", 30)
    assert (first.output_bytes, first.local_mode) == (5 * 1024**3, False)
    assert first.state_machine_arn == ""
    monkeypatch.setenv("TABLE_NAME", "another")
    assert settings() is first


@pytest.mark.parametrize("missing", ENVIRONMENT)
def test_settings_error_names_the_missing_variable(
    missing: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in ENVIRONMENT.items():
        if name != missing:
            monkeypatch.setenv(name, value)
    with pytest.raises(ValidationError, match=missing):
        settings()


@pytest.mark.parametrize("value", ["-1", "nan", "inf", "-inf", "ten"])
def test_daily_budget_is_a_finite_number(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A comparison with NaN is false: no job would exceed it."""
    for name, text in {**ENVIRONMENT, "DAILY_DOLLARS": value}.items():
        monkeypatch.setenv(name, text)
    with pytest.raises(ValidationError, match="DAILY_DOLLARS"):
        settings()
