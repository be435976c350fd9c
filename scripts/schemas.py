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

from rushes.events import JobEvent, ending
from rushes.job import Artifact, Job, JobError, JobStatus, Verdict
from rushes.request import GenerationRequest

FOLDER = Path(__file__).resolve().parents[1] / "events" / "emitted"
DIALECT = "https://json-schema.org/draft/2020-12/schema"
VERSION = 1
"""Raised when listeners would have to change: a field gone, or another meaning."""

VERDICTS = {
    "completed": Verdict(status=JobStatus.COMPLETED),
    "failed": Verdict(
        status=JobStatus.FAILED,
        error=JobError(
            code="content_filtered",
            message="the prompt was refused by the provider's moderation",
            upstream_code="moderation_blocked",
        ),
    ),
    "cancelled": Verdict(status=JobStatus.CANCELLED),
}


def schema(status: str) -> dict[str, Any]:
    """The model's schema, narrowed to events of one type."""
    made = JobEvent.model_json_schema(mode="serialization")
    made["properties"]["type"] = {"const": f"job.{status}", "type": "string"}
    facts = made["$defs"]["JobFacts"]["properties"]
    facts["status"] = {"const": status, "type": "string"}
    del made["$defs"]["JobStatus"]
    return {"$schema": DIALECT, **made, "title": f"job.{status}, version {VERSION}"}


def example(status: str) -> dict[str, Any]:
    """The event of a job that went the way real jobs go."""
    job = finished_job(VERDICTS[status])
    return ending(job, "rushes-media").model_dump(mode="json")


def finished_job(verdict: Verdict) -> Job:
    now = 1_790_000_000.0
    job = Job(
        id="job_01a0c4506c005ad1f09b3e7c2486f1ab",
        account="demo",
        dialect="openai",
        provider="studio",
        upstream_model="studio-1",
        request=GenerationRequest(
            model="sora-2", prompt="a red ball on a beach", seconds=4, size="1280x720"
        ),
        created_at=now,
        updated_at=now,
        deadline_at=now + 3600,
        cost=0.4,
    )
    job = job.submitting(now + 1, 150).submitted(now + 2, {"id": "video_1"}, ())
    if verdict.status is JobStatus.COMPLETED:
        film = Artifact(
            key=f"outputs/demo/{job.id}/0.mp4",
            content_type="video/mp4",
            size=1_482_903,
            sha256="9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        )
        job = job.stored(now + 60, (film,))
    return job.finished(now + 61.25, verdict, job.id, 30 * 24 * 3600)


def files() -> dict[str, str]:
    """What belongs into the folder: name → content."""
    made = {}
    for status in VERDICTS:
        name = f"job.{status}.v{VERSION}"
        made[f"{name}.schema.json"] = written(schema(status))
        made[f"{name}.example.json"] = written(example(status))
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
