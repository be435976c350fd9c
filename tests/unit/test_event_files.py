"""What is in `events/`: the schemas we promise, their examples, and what functions are given."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any, cast

import pytest
from aws_lambda_powertools.utilities.data_classes import APIGatewayProxyEventV2
from jsonschema import Draft202012Validator, FormatChecker, ValidationError

from rushes.api.auth import KEY
from rushes.api.gateway import read_event
from rushes.aws.step_functions import VERSION
from rushes.dialects import dialect_of
from rushes.dialects.base import HttpRequest, Videos
from rushes.jobs.content_type import sniff
from rushes.jobs.events import ending, started
from rushes.jobs.request import Role
from rushes.jobs.status import TERMINAL
from rushes.webhooks import operational_events
from scripts import schemas
from tests.harness import Harness

ROOT = Path(__file__).parents[2]
EXAMPLES = sorted((ROOT / "events/emitted").glob("*.example.json"))
CASES = sorted((ROOT / "events/invoke").glob("*/*.json"))
STEPS = [path for path in CASES if path.parent.name in ("submit", "poll", "collect", "finish")]
STATUSES: dict[str, set[str | None]] = {
    "submit": {None, "pending"},
    "poll": {"submitted", "pending"},
    "collect": {"succeeded"},
}


def named(path: Path) -> str:
    return f"{path.parent.name}/{path.name}"


def read(path: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return content


def validator(event_type: str) -> Draft202012Validator:
    schema = read(ROOT / f"events/emitted/{event_type}.v1.schema.json")
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema, format_checker=FormatChecker())


def test_the_schemas_are_what_the_models_say() -> None:
    assert schemas.outdated() == [], "run `python scripts/schemas.py`"


def test_all_that_is_said_has_a_schema_and_an_example() -> None:
    endings = {f"job.{status.value}" for status in TERMINAL}
    others = {"job.started", operational_events.DISABLED, operational_events.TEST}
    assert set(schemas.MODELS) == endings | others
    assert len(EXAMPLES) == len(schemas.MODELS)


@pytest.mark.parametrize("path", EXAMPLES, ids=named)
def test_every_example_is_of_its_own_type_and_of_no_other(path: Path) -> None:
    event = read(path)
    event_type = event["type"]
    assert path.name == f"{event_type}.v1.example.json"
    model = schemas.MODELS[event_type]
    assert model.model_validate(event).model_dump(mode="json") == event
    assert event["data"].get("status") == schemas.STATUSES.get(event_type)
    validator(event_type).validate(event)
    for other in set(schemas.MODELS) - {event_type}:
        with pytest.raises(ValidationError):
            validator(other).validate(event)


def test_a_real_jobs_events_are_valid() -> None:
    job = Harness().completed()
    validator("job.completed").validate(ending(job, "media").model_dump(mode="json"))
    validator("job.started").validate(started(Harness().running()).model_dump(mode="json"))


@pytest.mark.parametrize(
    "change",
    [{"type": "job.lost"}, {"timestamp": "yesterday"}, {"timestamp": 3}, {"id": None}],
)
def test_what_is_no_event_is_not_valid(change: dict[str, object]) -> None:
    event = schemas.example("job.completed")
    with pytest.raises(ValidationError):
        validator("job.completed").validate({**event, **change})


def test_outdated_missing_and_superfluous_files_are_named_and_put_right(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(schemas, "FOLDER", tmp_path)
    monkeypatch.setattr(sys, "argv", ["schemas.py"])
    schemas.main()
    assert schemas.outdated() == []
    (tmp_path / "job.lost.v1.schema.json").write_text("{}")
    (tmp_path / "job.failed.v1.schema.json").write_text("{}")
    (tmp_path / "job.completed.v1.example.json").unlink()
    monkeypatch.setattr(sys, "argv", ["schemas.py", "--check"])
    with pytest.raises(SystemExit) as refused:
        schemas.main()
    for name in ("job.lost.v1.schema", "job.failed.v1.schema", "job.completed.v1.example"):
        assert f"{name}.json" in str(refused.value)
    monkeypatch.setattr(sys, "argv", ["schemas.py"])
    schemas.main()
    assert schemas.outdated() == []


def test_the_script_runs_by_itself() -> None:
    subprocess.run([sys.executable, "scripts/schemas.py", "--check"], cwd=ROOT, check=True)


def test_every_function_has_a_case_to_be_invoked_with() -> None:
    functions = {path.parent.name for path in (ROOT / "functions").glob("*/app.py")}
    assert {path.parent.name for path in CASES} == functions


@pytest.mark.parametrize("path", STEPS, ids=named)
def test_a_step_is_given_ids_and_the_last_outcome_and_nothing_else(path: Path) -> None:
    event, function = read(path), path.parent.name
    assert event["version"] == VERSION
    assert event.keys() >= {"account", "job_id"}
    outcome = {"status", "wait_seconds", "cause", "execution"}
    assert event.keys() - {"version", "account", "job_id"} <= outcome
    if function == "finish":
        assert event["execution"].startswith(event["job_id"])
    else:
        assert event.get("status") in STATUSES[function]


def test_the_sweeper_is_woken_by_a_schedule() -> None:
    event = read(ROOT / "events/invoke/sweep/scheduled.json")
    assert (event["source"], event["detail-type"]) == ("aws.events", "Scheduled Event")


def call(case: str) -> HttpRequest:
    """What the api function makes of an event."""
    return read_event(APIGatewayProxyEventV2(read(ROOT / f"events/invoke/api/{case}.json")), {})


@pytest.mark.parametrize("case", ["create_json", "create_multipart", "list"])
def test_a_clients_call_carries_a_key_of_the_right_form(case: str) -> None:
    request = call(case)
    assert KEY.fullmatch(dialect_of(request.path).read_key(request.headers))


@pytest.mark.parametrize("case", ["create_json", "create_multipart"])
def test_a_create_call_can_be_read(case: str) -> None:
    request = call(case)
    creation = dialect_of(request.path).read_create(request)
    assert (creation.request.prompt, creation.request.seconds) == ("a red ball on a beach", 4)
    assert request.headers["content-length"] == str(len(request.body))
    sent = [(role, sniff(upload.content)) for role, upload in creation.uploads]
    assert sent == ([(Role.IMAGE, "image/png")] if case == "create_multipart" else [])
    assert (creation.request.inputs, creation.uploaded) == ((), ())


def test_a_list_call_can_be_read() -> None:
    request = call("list")
    query = cast("Videos", dialect_of(request.path)).read_list(request)
    assert (query.limit, query.newest_first) == (5, True)
