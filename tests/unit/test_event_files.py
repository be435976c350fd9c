"""Files in `events/`: event schemas, their examples, and invocation payloads."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any, cast

import pytest
from aws_lambda_powertools.utilities.data_classes import APIGatewayProxyEventV2
from jsonschema import Draft202012Validator, FormatChecker, ValidationError

from rushes.api.gateway import read_event
from rushes.api.key_hashing import KEY
from rushes.aws.step_functions import VERSION
from rushes.dialects import dialect_of
from rushes.dialects.base import HttpRequest, SupportsVideos
from rushes.jobs.budget_events import THRESHOLD_REACHED
from rushes.jobs.content_type import sniff
from rushes.jobs.events import started_event, terminal_event
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


def case_id(path: Path) -> str:
    return f"{path.parent.name}/{path.name}"


def read(path: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return content


def validator(event_type: str) -> Draft202012Validator:
    schema = read(ROOT / f"events/emitted/{event_type}.v1.schema.json")
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema, format_checker=FormatChecker())


def test_schemas_match_models() -> None:
    assert schemas.outdated() == [], "run `python scripts/schemas.py`"


def test_every_event_type_has_schema_and_example() -> None:
    terminal = {f"job.{status.value}" for status in TERMINAL}
    others = {"job.started", "job.progress", operational_events.DISABLED, operational_events.TEST}
    assert set(schemas.MODELS) == terminal | others | {THRESHOLD_REACHED}
    assert len(EXAMPLES) == len(schemas.MODELS)


@pytest.mark.parametrize("path", EXAMPLES, ids=case_id)
def test_example_matches_its_own_schema_only(path: Path) -> None:
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


def test_events_of_real_job_match_schemas() -> None:
    job = Harness().completed()
    validator("job.completed").validate(terminal_event(job, "media").model_dump(mode="json"))
    validator("job.started").validate(started_event(Harness().running()).model_dump(mode="json"))


@pytest.mark.parametrize(
    "change",
    [{"type": "job.lost"}, {"timestamp": "yesterday"}, {"timestamp": 3}, {"id": None}],
)
def test_schema_refuses_invalid_event(change: dict[str, object]) -> None:
    event = schemas.example("job.completed")
    with pytest.raises(ValidationError):
        validator("job.completed").validate({**event, **change})


def test_schema_script_reports_and_fixes_outdated_files(
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


def test_schema_script_runs_standalone() -> None:
    subprocess.run([sys.executable, "scripts/schemas.py", "--check"], cwd=ROOT, check=True)


def test_every_function_has_invocation_payload() -> None:
    functions = {path.parent.name for path in (ROOT / "functions").glob("*/app.py")}
    assert {path.parent.name for path in CASES} == functions


@pytest.mark.parametrize("path", STEPS, ids=case_id)
def test_task_payload_contains_ids_and_last_result_only(path: Path) -> None:
    event, function = read(path), path.parent.name
    assert event["version"] == VERSION
    assert event.keys() >= {"account", "job_id"}
    result = {"status", "wait_seconds", "cause", "execution"}
    assert event.keys() - {"version", "account", "job_id"} <= result
    if function == "finish":
        assert event["execution"].startswith(event["job_id"])
    else:
        assert event.get("status") in STATUSES[function]


def test_sweep_payload_is_a_scheduled_event() -> None:
    event = read(ROOT / "events/invoke/sweep/scheduled.json")
    assert (event["source"], event["detail-type"]) == ("aws.events", "Scheduled Event")


def call(case: str) -> HttpRequest:
    """Convert an event as the api function does."""
    return read_event(APIGatewayProxyEventV2(read(ROOT / f"events/invoke/api/{case}.json")), {})


@pytest.mark.parametrize("case", ["create_json", "create_multipart", "list"])
def test_api_payload_contains_valid_key(case: str) -> None:
    request = call(case)
    assert KEY.fullmatch(dialect_of(request.path).read_key(request.headers))


@pytest.mark.parametrize("case", ["create_json", "create_multipart"])
def test_create_payload_is_parsed(case: str) -> None:
    request = call(case)
    creation = dialect_of(request.path).read_create(request)
    assert (creation.request.prompt, creation.request.seconds) == ("a red ball on a beach", 4)
    assert request.headers["content-length"] == str(len(request.body))
    sent = [(role, sniff(upload.content)) for role, upload in creation.uploads]
    assert sent == ([(Role.IMAGE, "image/png")] if case == "create_multipart" else [])
    assert (creation.request.inputs, creation.uploaded) == ((), ())


def test_list_payload_is_parsed() -> None:
    request = call("list")
    query = cast("SupportsVideos", dialect_of(request.path)).read_list(request)
    assert (query.limit, query.newest_first) == (5, True)
