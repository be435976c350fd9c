"""What must be so when everything has come to rest."""

import hashlib
from typing import TYPE_CHECKING

from rushes.jobs.job import Job
from rushes.jobs.status import JobStatus, UpstreamCancelled
from tests.simulation.provider_faults import FAILS

if TYPE_CHECKING:
    from tests.simulation.harness import Harness

UNKNOWN = ("upstream_outcome_unknown", "upstream_bad_response")
"""Ends that do not deny that something was made."""
SLACK_SECONDS = 200.0
"""Within which a result that came late is fetched, once all is in order."""


def judge(harness: "Harness", quiet_since: float) -> list[str]:
    """The promises that were broken, those about single writes among them."""
    for job in harness.jobs.rows.values():
        _ended(harness, job)
        _published(harness, job)
        _stored(harness, job)
        _archived(harness, job, quiet_since)
    _made_once(harness)
    _live_once(harness)
    _whole(harness)
    _at_rest(harness)
    harness.promises.broken += harness.machine.unexpected
    return harness.promises.broken


def _ended(harness: "Harness", job: Job) -> None:
    hold = harness.promises.hold
    hold(job.is_finished, f"{job.id} never ended: {job.stage.value}")
    if job.status is not JobStatus.FAILED or job.operation or job.error is None:
        return
    films = harness.providers[job.provider].films.values()
    if any(film.prompt == job.request.prompt for film in films):
        code, in_time = job.error.code, (job.finished_at or 0.0) < job.deadline_at
        hold(code in UNKNOWN, f"{job.id} was made, and its end is {code}")
        broke_off = "broke off" in job.error.message
        could_ask = job.provider != "plain" and in_time and not broke_off
        hold(not could_ask, f"{job.id}: {job.provider} could have been asked")


def _published(harness: "Harness", job: Job) -> None:
    hold = harness.promises.hold
    events = [event for event in harness.bus.events if event["data"]["id"] == job.id]
    ending = f"evt_{job.id}_{job.status.value}"
    hold(ending in [event["id"] for event in events], f"{ending} was never on the bus")
    for event in events:
        is_known = harness.promises.told.get(event["id"]) == event
        hold(is_known, f"{event['id']} is on the bus otherwise than it was written")
        is_true = event["id"] in (ending, f"evt_{job.id}_started")
        hold(is_true, f"{event['id']} tells of what did not happen")


def _stored(harness: "Harness", job: Job) -> None:
    hold = harness.promises.hold
    if job.deleted_at:
        left = [key for key in harness.blobs.objects if f"/{job.account}/{job.id}/" in key]
        hold(not left, f"{job.id} was deleted, and there is {left}")
        return
    if job.status is JobStatus.COMPLETED:
        hold(job.artifacts, f"{job.id} is completed and has nothing")
    for artifact in (*job.artifacts, *job.archived_artifacts):
        content = harness.blobs.objects.get(artifact.key)
        is_there = content is not None and hashlib.sha256(content).hexdigest() == artifact.sha256
        hold(is_there, f"{artifact.key} is not what {job.id} says of it")
        films = harness.providers[job.provider].films.values()
        own = any(it.content == content and it.prompt == job.request.prompt for it in films)
        hold(own, f"{artifact.key} is no film of {job.id}")


def _archived(harness: "Harness", job: Job, quiet_since: float) -> None:
    """A film that was made in spite of a cancel is kept."""
    if job.status is not JobStatus.CANCELLED or job.deleted_at or not job.operation:
        return
    film = harness.providers[job.provider].films.get(job.operation["id"])
    if film is None or film.fate or film.stopped_at is not None:
        return
    last_chance = job.deadline_at - SLACK_SECONDS
    if max(film.done_at, quiet_since) < last_chance:
        harness.promises.hold(job.archived_artifacts, f"{job.id}: what {film.id} came to is lost")


def _made_once(harness: "Harness") -> None:
    hold = harness.promises.hold
    for provider in harness.providers.values():
        prompts = [film.prompt for film in provider.films.values()]
        for prompt in set(prompts):
            once = prompts.count(prompt) == 1
            hold(once, f"{provider.name} made {prompt!r} {prompts.count(prompt)} times")
        if provider.capability == "none":
            said = f"{provider.name} was called again after an unknown outcome"
            hold(not provider.repeated, f"{said}: {provider.repeated}")


def _live_once(harness: "Harness") -> None:
    """Nobody makes a job while another goes on with it, or while it is said to be stopped."""
    live = [
        film.prompt
        for provider in harness.providers.values()
        for film in provider.films.values()
        if film.stopped_at is None and film.fate != FAILS
    ]
    for job in harness.jobs.rows.values():
        if job.upstream_cancelled is UpstreamCancelled.YES:
            stopped = job.request.prompt not in live
            harness.promises.hold(stopped, f"{job.id} is said to be stopped, and is made")
    for prompt in set(live):
        harness.promises.hold(live.count(prompt) == 1, f"{prompt!r} is made by several")


def _whole(harness: "Harness") -> None:
    """Of films, nothing but whole ones is in the bucket."""
    films = {
        it.content for provider in harness.providers.values() for it in provider.films.values()
    }
    for key, content in harness.blobs.objects.items():
        if not key.startswith("inputs/"):
            harness.promises.hold(content in films, f"{key} is no whole film")


def _at_rest(harness: "Harness") -> None:
    hold = harness.promises.hold
    running = [name for name, runs in harness.machine.executions.states.items() if runs]
    hold(not running, f"still running: {running}")
    for job in harness.jobs.rows.values():
        hold(not job.outbox, f"{job.id} has an outbox still")
        hold(job.next_check_at is None, f"{job.id} is looked after still")
