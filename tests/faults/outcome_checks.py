"""Holds what is in the table, in the bucket and on the bus against the upstream's ledger."""

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
FILES = ("outputs/", "archive/")


class Judge:
    def __init__(self, harness: Harness) -> None:
        self.harness = harness
        self.report = Report(jobs=len(harness.clients))
        self.objects = harness.double.objects()
        self.jobs: dict[str, list[Job]] = {}
        for document in harness.double.documents().values():
            job = Job.model_validate_json(document)
            self.jobs.setdefault(job.request.prompt.split()[0], []).append(job)

    def __call__(self) -> Report:
        for client in self.harness.clients.values():
            jobs = self.jobs.get(client.plan.tag, [])
            self._client(client, jobs)
            for job in jobs:
                self._job(client, job)
            outcome = outcome_of(jobs)
            self.report.totals[f"jobs: {client.provider}, {outcome}"] += 1
            for kind, times in client.plan.struck.items():
                self.report.struck(kind, times, outcome)
        self._harness()
        return self.report

    def _harness(self) -> None:
        totals = self.report.totals
        for kind, times in self.harness.sweeps.items():
            self.report.struck(kind, times, "sweeps")
        made = [film for films in self.harness.upstream.request_log.values() for film in films]
        totals["creates in the upstream's ledger"] += len(made)
        totals["events on the bus"] += len(self.harness.bus)
        totals["files in the bucket"] += len(self.objects)
        totals["executions"] += len(self.harness.machine.executions)
        totals["invocations"] += self.harness.functions.invocations
        totals["calls to AWS"] += self.harness.line.calls
        for surprise in self.harness.functions.surprises:
            self.report.breaks("errors that are not ours", surprise)
        whole = {digest(film.name) for film in made}
        for key, content in self.objects.items():
            if key.startswith(FILES) and hashlib.sha256(content).hexdigest() not in whole:
                self.report.breaks("wrong files", f"{key} has {len(content)} bytes of no film")

    def _client(self, client: Client, jobs: list[Job]) -> None:
        if len(jobs) > 1:
            self._breaks("extra jobs", client, f"{len(jobs)} of them")
        if set(client.given) - {job.id for job in jobs}:
            self._breaks("lost jobs", client, "an id was given for what is not there")
        if len(set(client.given)) > 1:
            self._breaks("answers that contradict each other", client, f"ids {client.given}")
        deleted = any(job.deleted_at for job in jobs)
        for refusal in client.refusals:
            if deleted and "was deleted" in refusal:  # and then it was asked for once more
                continue
            self._breaks("answers that contradict each other", client, refusal)
        made = len(self.harness.upstream.request_log[client.plan.tag])
        if made > 1:
            self._breaks("duplicate creates", client, f"{made} in the ledger")

    def _job(self, client: Client, job: Job) -> None:
        if not job.is_finished:
            self._breaks("lost jobs", client, f"{job.id} is {job.status} at {job.stage}")
            return
        self._reason(client, job)
        self._files(client, job)
        self._events(client, job)

    def _reason(self, client: Client, job: Job) -> None:
        if job.status is not JobStatus.FAILED or job.error is None:
            return
        code, struck = job.error.code, set(client.plan.struck)
        if not struck & REASONS.get(code, frozenset()):
            self._breaks("failures without a reason", client, f"{code}: {job.error.message}")
        if client.provider != "none" and code in (UNKNOWN, "upstream_bad_response"):
            self._breaks("failures without a reason", client, f"{code} where it can be found out")
        made = bool(self.harness.upstream.request_log[client.plan.tag])
        self.report.totals["unknown outcomes, labelled so"] += code == UNKNOWN
        if made and job.operation is None and code not in (UNKNOWN, "upstream_bad_response"):
            self._breaks("unknown outcomes not labelled", client, f"{code}: {job.error.message}")

    def _files(self, client: Client, job: Job) -> None:
        folders = [f"{folder}{job.account}/{job.id}/" for folder in FILES]
        here = {key for key in self.objects if key.startswith(tuple(folders))}
        if job.deleted_at and here:
            self._breaks("wrong files", client, f"deleted, but there is {min(here)}")
        if job.deleted_at or job.status is not JobStatus.COMPLETED:
            return
        films = {digest(film.name) for film in self.harness.upstream.request_log[client.plan.tag]}
        for artifact in job.artifacts:
            stored = hashlib.sha256(self.objects.get(artifact.key, b"")).hexdigest()
            if artifact.sha256 != stored or stored not in films:
                self._breaks("wrong files", client, f"{artifact.key} is not its film")
        if len(job.artifacts) != 1:
            self._breaks("wrong files", client, f"completed with {len(job.artifacts)} files")

    def _events(self, client: Client, job: Job) -> None:
        told = [event for event in self.harness.bus if event["data"]["id"] == job.id]
        endings = [event for event in told if event["type"] != "job.started"]
        if {event["type"] for event in endings} != {f"job.{job.status.value}"}:
            self._breaks("endings without their event", client, f"{[it['type'] for it in told]}")
        for kind in {event["type"] for event in told}:
            said: list[dict[str, Any]] = [event for event in told if event["type"] == kind]
            if any(event != said[0] for event in said):
                self._breaks("endings without their event", client, f"{kind} said differently")
        if job.submitted_at and len(endings) == len(told):
            self._breaks("endings without their event", client, "begun, and nobody was told")
        if job.outbox:
            self._breaks("endings without their event", client, "there is something in the outbox")
        self.report.totals["events said again"] += len(told) - len({it["id"] for it in told})

    def _breaks(self, promise: str, client: Client, detail: str) -> None:
        struck = ", ".join(client.plan.struck)
        who = f"{self.harness.seed} {client.plan.tag} ({client.provider}, {client.manner})"
        self.report.breaks(promise, f"{who}: {detail} [{struck}]")


def outcome_of(jobs: list[Job]) -> str:
    if not jobs:
        return "no job"
    job = jobs[0]
    unknown = job.error is not None and job.error.code == UNKNOWN
    return "unknown" if unknown else job.status.value
