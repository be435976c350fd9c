"""Write `events/emitted`: what each event looks like, as a JSON Schema and as an example.

    python scripts/schemas.py [--check]

With --check nothing is written; it fails where a file is not what it should be.
"""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "layers" / "rushes"))

from rushes.api.webhooks import samples
from rushes.jobs.events import Event, JobEvent, JobStarted
from rushes.jobs.status import JobStatus
from rushes.webhooks import operational_events
from rushes.webhooks.endpoint import Endpoint, Secret

FOLDER = Path(__file__).resolve().parents[1] / "events" / "emitted"
DIALECT = "https://json-schema.org/draft/2020-12/schema"
VERSION = 1
"""Raised when listeners would have to change: a field gone, or another meaning."""

NOW = 1_790_000_061.25
STATUSES = {
    "job.started": JobStatus.IN_PROGRESS.value,
    **{name: outcome.status.value for name, outcome in samples.VERDICTS.items()},
}
MODELS: dict[str, type[Event]] = {
    "job.started": JobStarted,
    **dict.fromkeys(samples.VERDICTS, JobEvent),
    operational_events.DISABLED: operational_events.EndpointDisabled,
    operational_events.TEST: operational_events.WebhookTest,
}
"""All that is said, on the bus or in messages, by type."""


def schema(event_type: str) -> dict[str, Any]:
    """The model's schema, narrowed to events of one type."""
    made = MODELS[event_type].model_json_schema(mode="serialization")
    made["properties"]["type"] = {"const": event_type, "type": "string"}
    if event_type in STATUSES:
        facts = made["$defs"][made["properties"]["data"]["$ref"].rpartition("/")[2]]
        facts["properties"]["status"] = {"const": STATUSES[event_type], "type": "string"}
        del made["$defs"]["JobStatus"]
    return {"$schema": DIALECT, **made, "title": f"{event_type}, version {VERSION}"}


def example(event_type: str) -> dict[str, Any]:
    """One that might be real."""
    if event_type == operational_events.DISABLED:
        failing = endpoint().model_copy(update={"failing_since": NOW - 5 * 24 * 3600})
        return operational_events.disabled(failing, NOW, "failing")
    if event_type == operational_events.TEST:
        return operational_events.test(endpoint(), NOW, "6f1d3a0c9b7e2d458810")
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
    """What belongs into the folder: name → content."""
    made = {}
    for event_type in MODELS:
        stem = f"{event_type}.v{VERSION}"
        made[f"{stem}.schema.json"] = written(schema(event_type))
        made[f"{stem}.example.json"] = written(example(event_type))
    return made


def written(value: dict[str, Any]) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"


def outdated() -> list[str]:
    """The names of files that are missing, different or too many."""
    wanted = files()
    found = {path.name: path.read_text("utf-8") for path in FOLDER.glob("*.json")}
    return sorted(name for name in wanted | found if wanted.get(name) != found.get(name))


def main() -> None:
    arguments = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    arguments.add_argument("--check", action="store_true", help="compare only")
    if arguments.parse_args().check:
        if names := outdated():
            sys.exit(f"run `python scripts/schemas.py`; not current: {', '.join(names)}")
        return
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name in outdated():
        (FOLDER / name).unlink(missing_ok=True)
    for name, content in files().items():
        (FOLDER / name).write_text(content, "utf-8")


if __name__ == "__main__":
    main()
