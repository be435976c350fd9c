"""Jobs as the native API describes them to a client."""

from collections.abc import Iterator
from typing import Any

from cli.api import Api
from cli.error_codes import UNKNOWN, error_codes
from cli.job_progress import JobState
from cli.output import dollars

Json = dict[str, Any]


def client_state(job: Json) -> JobState:
    if job["error"]:
        note = f"{job['error']['code']}: {job['error']['message']}"
    else:
        note = f"waits: {job['waiting']['code']}" if job["waiting"] else ""
    return JobState(job["status"], job["progress"], note)


def client_lines(job: Json, api: Api) -> Iterator[str]:
    yield f"{job['id']}: {job['status']}, {job['progress']} %"
    yield from _reason(job)
    yield f"  model {job['model']}, made by {job['made_by']} at {job['provider']}"
    yield f"  price {dollars(job['cost']['estimated'])}"
    if job["cost"]["settled"] is not None:
        yield f"  cost {dollars(job['cost']['settled'])}"
    if job["tags"]:
        yield f"  tags: {', '.join(f'{name}={value}' for name, value in job['tags'].items())}"
    yield from _history(job)
    yield from (f"  warning: {warning}" for warning in job["warnings"])
    yield from (f"  file: {file['url']}" for file in job["artifacts"])
    if steps := _next_steps(job):
        yield "Next steps"
        yield from (f"  {' '.join([step, *api.options])}" for step in steps)


def _reason(job: Json) -> Iterator[str]:
    if waiting := job["waiting"]:
        yield f"  waits: {waiting['code']}: {waiting['message']}"
        yield f"  to do: {waiting['action']}"
    if error := job["error"]:
        yield f"  error: {error['code']}: {error['message']}"
        yield f"  to do: {_remedy(error['code'])}"


def _history(job: Json) -> Iterator[str]:
    for name, at in job["timeline"].items():
        if at:
            yield f"  {at}  {name.removesuffix('_at').replace('_', ' ')}"
    for attempt in job["attempts"]:
        if attempt["error"]:
            yield f"  failed over from {attempt['provider']}: {attempt['error']['code']}"


def _remedy(code: str) -> str:
    found = error_codes().codes.get(code)
    return found.client if found else UNKNOWN.operator


def _next_steps(job: Json) -> list[str]:
    if job["status"] in ("failed", "cancelled"):
        return [f"rushes job retry {job['id']}"]
    if job["status"] == "completed":
        return []
    return [f"rushes job watch {job['id']}", f"rushes job cancel {job['id']}"]
