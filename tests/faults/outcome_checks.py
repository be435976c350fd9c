"""Compare the table, the bucket and the event bus with the upstream's request log."""

import hashlib
from typing import Any

from rushes.jobs.job import Job
from rushes.jobs.status import JobStatus
from tests.faults.client import Client
from tests.faults.harness import Harness
from tests.faults.report import Report
from tests.faults.scenarios import REASONS
from tests.faults.videos import digest

UNKNOWN = "upstream_outcome_unknown"
EVENTS, UNEXPLAINED = "terminal writes without their event", "failures without a cause"
FILES = ("outputs/", "archive/")
JOB_WAS_DELETED = (404, "not_found", "Idempotency-Key")
"""Status, code and param of the answer to a repeated create call after a delete."""


class OutcomeChecks:
    def __init__(self, harness: Harness) -> None:
        self.harness = harness
        self.report = Report(jobs=len(harness.clients))
        self.objects = harness.moto_stack.objects()
        self.jobs: dict[str, list[Job]] = {}
        for document in harness.moto_stack.documents().values():
            job = Job.model_validate_json(document)
            self.jobs.setdefault(job.request.prompt.split()[0], []).append(job)

    def run(self) -> Report:
        for client in self.harness.clients.values():
            jobs = self.jobs.get(client.plan.tag, [])
            self._client(client, jobs)
            for job in jobs:
                self._job(client, job)
            outcome = outcome_of(jobs)
            self.report.totals[f"jobs: {client.provider}, {outcome}"] += 1
            for kind, times in client.plan.injected.items():
                self.report.injected(kind, times, outcome)
        self._harness()
        return self.report

    def _harness(self) -> None:
        totals = self.report.totals
        for kind, times in self.harness.sweeps.items():
            self.report.injected(kind, times, "sweeps")
        made = [video for videos in self.harness.upstream.request_log.values() for video in videos]
        totals["creates in the upstream's request log"] += len(made)
        totals["events on the bus"] += len(self.harness.bus)
        totals["files in the bucket"] += len(self.objects)
        totals["executions"] += len(self.harness.machine.executions)
        totals["invocations"] += self.harness.functions.invocations
        totals["calls to AWS"] += self.harness.injector.calls
        for surprise in self.harness.functions.unexpected_errors:
            self.report.violation("unexpected exceptions", surprise)
        whole = {digest(video.name) for video in made}
        for key, content in self.objects.items():
            if key.startswith(FILES) and hashlib.sha256(content).hexdigest() not in whole:
                unknown = f"{key} has {len(content)} bytes of an unknown video"
                self.report.violation("wrong files", unknown)

    def _client(self, client: Client, jobs: list[Job]) -> None:
        if len(jobs) > 1:
            self._violation("extra jobs", client, f"{len(jobs)} of them")
        if set(client.job_ids) - {job.id for job in jobs}:
            self._violation("lost jobs", client, "the client's id is of no job")
        if len(set(client.job_ids)) > 1:
            self._violation("contradicting answers", client, f"ids {client.job_ids}")
        deleted = any(job.deleted_at for job in jobs)
        for refusal in client.refusals:
            answer = (refusal.status, refusal.code, refusal.param)
            if deleted and answer == JOB_WAS_DELETED:
                continue
            self._violation("contradicting answers", client, refusal.text)
        made = len(self.harness.upstream.request_log[client.plan.tag])
        if made > 1:
            self._violation("duplicate creates", client, f"{made} in the request log")

    def _job(self, client: Client, job: Job) -> None:
        if not job.is_finished:
            self._violation("lost jobs", client, f"{job.id} is {job.status} at {job.stage}")
            return
        self._reason(client, job)
        self._files(client, job)
        self._events(client, job)

    def _reason(self, client: Client, job: Job) -> None:
        if job.status is not JobStatus.FAILED or job.error is None:
            return
        code, injected = job.error.code, set(client.plan.injected)
        if not injected & REASONS.get(code, frozenset()):
            self._violation(UNEXPLAINED, client, f"{code}: {job.error.message}")
        if client.provider != "none" and code in (UNKNOWN, "upstream_bad_response"):
            supported = f"{code} although the provider supports confirmation"
            self._violation(UNEXPLAINED, client, supported)
        made = bool(self.harness.upstream.request_log[client.plan.tag])
        self.report.totals["unknown outcomes, reported as such"] += code == UNKNOWN
        if made and job.operation is None and code not in (UNKNOWN, "upstream_bad_response"):
            self._violation("unknown outcomes not reported", client, f"{code}: {job.error.message}")

    def _files(self, client: Client, job: Job) -> None:
        folders = [f"{folder}{job.account}/{job.id}/" for folder in FILES]
        here = {key for key in self.objects if key.startswith(tuple(folders))}
        if job.deleted_at and here:
            self._violation("wrong files", client, f"deleted, but {min(here)} is stored")
        if job.deleted_at or job.status is not JobStatus.COMPLETED:
            return
        made = self.harness.upstream.request_log[client.plan.tag]
        videos = {digest(video.name) for video in made}
        for artifact in job.artifacts:
            stored = hashlib.sha256(self.objects.get(artifact.key, b"")).hexdigest()
            if artifact.sha256 != stored or stored not in videos:
                self._violation("wrong files", client, f"{artifact.key} is not a video of the job")
        if len(job.artifacts) != 1:
            self._violation("wrong files", client, f"completed with {len(job.artifacts)} files")

    def _events(self, client: Client, job: Job) -> None:
        events = [event for event in self.harness.bus if event["data"]["id"] == job.id]
        terminal_events = [event for event in events if event["type"] != "job.started"]
        if {event["type"] for event in terminal_events} != {f"job.{job.status.value}"}:
            self._violation(EVENTS, client, f"{[event['type'] for event in events]}")
        for kind in {event["type"] for event in events}:
            same: list[dict[str, Any]] = [event for event in events if event["type"] == kind]
            if any(event != same[0] for event in same):
                self._violation(EVENTS, client, f"{kind} has different bodies")
        if job.started_at and len(terminal_events) == len(events):
            self._violation(EVENTS, client, "begun without job.started")
        if job.outbox:
            self._violation(EVENTS, client, "unpublished events in the outbox")
        ids = {event["id"] for event in events}
        self.report.totals["repeated events"] += len(events) - len(ids)

    def _violation(self, invariant: str, client: Client, detail: str) -> None:
        injected = ", ".join(client.plan.injected)
        name = f"{self.harness.seed} {client.plan.tag} ({client.provider}, {client.retry_style})"
        self.report.violation(invariant, f"{name}: {detail} [{injected}]")


def outcome_of(jobs: list[Job]) -> str:
    if not jobs:
        return "no job"
    job = jobs[0]
    unknown = job.error is not None and job.error.code == UNKNOWN
    return "unknown" if unknown else job.status.value
