"""Write the JSON Schema and an example of each event to `events/emitted`.

    python scripts/schemas.py [--check]

With --check the script writes nothing and fails if a file is outdated.
"""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "layers" / "rushes"))

from rushes.api.webhooks import samples
from rushes.jobs import budget_events, progress_events
from rushes.jobs.charges import Threshold
from rushes.jobs.events import Event, JobEvent, JobStarted
from rushes.jobs.status import JobStatus
from rushes.webhooks import operational_events
from rushes.webhooks.endpoint import Endpoint, Secret

FOLDER = Path(__file__).resolve().parents[1] / "events" / "emitted"
JSON_SCHEMA = "https://json-schema.org/draft/2020-12/schema"
VERSION = 1
"""Raised by an incompatible change: a removed field, or a new meaning."""

NOW = 1_790_000_061.25
STATUSES = {
    "job.started": JobStatus.IN_PROGRESS.value,
    progress_events.TYPE: JobStatus.IN_PROGRESS.value,
    **{name: outcome.status.value for name, outcome in samples.OUTCOMES.items()},
}
MODELS: dict[str, type[Event]] = {
    "job.started": JobStarted,
    progress_events.TYPE: progress_events.JobProgress,
    **dict.fromkeys(samples.OUTCOMES, JobEvent),
    budget_events.THRESHOLD_REACHED: budget_events.BudgetThresholdReached,
    operational_events.DISABLED: operational_events.EndpointDisabled,
    operational_events.TEST: operational_events.WebhookTest,
}
"""Event types of the bus and of webhooks."""


def schema(event_type: str) -> dict[str, Any]:
    """Return the model's schema, narrowed to one event type."""
    model_schema = MODELS[event_type].model_json_schema(mode="serialization")
    model_schema["properties"]["type"] = {"const": event_type, "type": "string"}
    if event_type in STATUSES:
        definition = model_schema["properties"]["data"]["$ref"].rpartition("/")[2]
        data = model_schema["$defs"][definition]
        data["properties"]["status"] = {"const": STATUSES[event_type], "type": "string"}
        del model_schema["$defs"]["JobStatus"]
    return {"$schema": JSON_SCHEMA, **model_schema, "title": f"{event_type}, version {VERSION}"}


def example(event_type: str) -> dict[str, Any]:
    if event_type == budget_events.THRESHOLD_REACHED:
        return budget_events.threshold_reached(Threshold("demo#2026-09-21", 80, 48.4, 60.0, NOW))
    if event_type == operational_events.DISABLED:
        failing = endpoint().model_copy(update={"failing_since": NOW - 5 * 24 * 3600})
        return operational_events.endpoint_disabled(failing, NOW, "failing")
    if event_type == operational_events.TEST:
        return operational_events.webhook_test(endpoint(), NOW, "6f1d3a0c9b7e2d458810")
    return samples.sample(event_type, "demo", "job_01a0c4506c005ad1f09b3e7c2486f1ab", NOW)


def endpoint() -> Endpoint:
    return Endpoint(
        id="we_5d2b8f0a71c94e36d7f0a8b1",
        account="demo",
        url="https://hooks.example/rushes",
        description="gallery",
        secrets=(Secret(value=""),),
        created_at=NOW,
        updated_at=NOW,
    )


def files() -> dict[str, str]:
    """Return the expected content of the folder by file name."""
    contents = {}
    for event_type in MODELS:
        stem = f"{event_type}.v{VERSION}"
        contents[f"{stem}.schema.json"] = as_json(schema(event_type))
        contents[f"{stem}.example.json"] = as_json(example(event_type))
    return contents


def as_json(value: dict[str, Any]) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"


def outdated() -> list[str]:
    """Return the names of missing, different and superfluous files."""
    expected = files()
    found = {path.name: path.read_text("utf-8") for path in FOLDER.glob("*.json")}
    return sorted(name for name in expected | found if expected.get(name) != found.get(name))


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--check", action="store_true", help="compare only")
    if parser.parse_args().check:
        if names := outdated():
            sys.exit(f"run `python scripts/schemas.py`; outdated: {', '.join(names)}")
        return
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name in outdated():
        (FOLDER / name).unlink(missing_ok=True)
    for name, content in files().items():
        (FOLDER / name).write_text(content, "utf-8")


if __name__ == "__main__":
    main()
