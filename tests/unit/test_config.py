"""The settings and the template say the same."""

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
    "PROVIDER_SECRET_ARN": "arn:aws:secretsmanager:eu-central-1:123456789012:secret:s",
    "OUTPUT_DAYS": "30",
    "OUTPUT_BYTES": "5368709120",
    "LOCAL_MODE": "false",
}


def variable(field: str) -> str:
    return str(Settings.model_fields[field].alias)


@pytest.fixture(autouse=True)
def unread(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """As in a function that has just been started."""
    for field in Settings.model_fields:
        monkeypatch.delenv(variable(field), raising=False)
    settings.cache_clear()
    yield
    settings.cache_clear()


@pytest.mark.parametrize("field", Settings.model_fields)
def test_every_setting_comes_from_the_template(field: str) -> None:
    required = Settings.model_fields[field].is_required()
    assert variable(field) in (EVERYWHERE if required else set.union(*FUNCTIONS.values()))


def test_everything_that_the_template_sets_is_read() -> None:
    read = {variable(field) for field in Settings.model_fields}
    assert EVERYWHERE | set.union(*FUNCTIONS.values()) == read


def test_the_state_machine_is_known_only_where_executions_are_started() -> None:
    starters = {name for name, variables in FUNCTIONS.items() if "STATE_MACHINE_ARN" in variables}
    assert starters == {"ApiFunction", "SweepFunction"}


def test_the_environment_is_read_once_and_into_the_right_types(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    found = settings()
    assert (found.table_name, found.bucket_name, found.output_days) == ("jobs", "media", 30)
    assert (found.output_bytes, found.local_mode) == (5 * 1024**3, False)
    assert found.state_machine_arn == ""
    monkeypatch.setenv("TABLE_NAME", "another")
    assert settings() is found


@pytest.mark.parametrize("missing", ENVIRONMENT)
def test_a_missing_variable_is_named(missing: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in ENVIRONMENT.items():
        if name != missing:
            monkeypatch.setenv(name, value)
    with pytest.raises(ValidationError, match=missing):
        settings()
