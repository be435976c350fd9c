"""Adapter for the API of Kling whose paths have the model (`/text-to-video/kling-3.0`)."""

from typing import Any
from urllib.parse import quote

from rushes.catalog.model_entry import ModelEntry
from rushes.errors import UpstreamJobNotFound
from rushes.jobs.job import Job
from rushes.ports.http import HttpCall, HttpReply
from rushes.providers import replies
from rushes.providers.arguments import model_arguments, model_path, require_arguments
from rushes.providers.base import PollResult, Profile, Submitted, Succeeded
from rushes.providers.kling.errors import raise_for_error
from rushes.providers.kling.prices import cost_of_units
from rushes.providers.kling.tasks import outputs_at, result_of
from rushes.providers.polls import parse_poll


class _Output(replies.Reply):
    """A video or an image has `url`, a sound `mp3_url` and `wav_url`."""

    url: str | None = None
    watermark_url: str | None = None
    mp3_url: str | None = None
    wav_url: str | None = None


class _Bill(replies.Reply):
    """An amount in `currency`, or of prepaid units of a package."""

    amount: replies.NumberOrNone = None
    charge_type: str | None = None
    currency: str | None = None
    package_type: str | None = None


class _Task(replies.Reply):
    id: replies.JobId
    status: str
    message: str | None = None
    external_id: str | None = None
    outputs: replies.Members[_Output] | None = None
    billing: replies.Members[_Bill] | None = None


class _Created(replies.Reply):
    id: replies.JobId


class _CreateReply(replies.Reply):
    data: _Created


class _Tasks(replies.Reply):
    data: replies.Members[_Task]


class Kling:
    profile = Profile(min_poll_seconds=5)

    def submit_request(self, job: Job, model: ModelEntry | None = None) -> HttpCall:
        entry = require_arguments(job, model)
        body = model_arguments(job, entry)
        options = {**body.get("options", {}), "external_task_id": job.create_key}
        return HttpCall("POST", model_path(job, entry), json={**body, "options": options})

    def parse_submit(self, reply: HttpReply) -> Submitted:
        raise_for_error(reply, replies.raise_for_create_status)
        return Submitted({"id": replies.read(reply, _CreateReply).data.id})

    def poll_request(self, operation: dict[str, Any]) -> HttpCall:
        return HttpCall("GET", f"/tasks?task_ids={quote(operation['id'], safe='')}")

    def parse_poll(self, operation: dict[str, Any], reply: HttpReply) -> PollResult:
        path = self.poll_request(operation).path

        def read(reply: HttpReply) -> _Task:
            tasks = replies.read(reply, _Tasks).data
            task = next((task for task in tasks if task.id == operation["id"]), None)
            if task is None:
                raise UpstreamJobNotFound("the provider does not know the job")
            return task

        return parse_poll(
            reply,
            read,
            lambda task: task.status,
            lambda task, state: result_of(
                state, task.status, task.message, lambda: _succeeded(path, task)
            ),
            raise_for_error=lambda reply: raise_for_error(reply, replies.raise_for_status),
        )

    def lookup_request(self, job: Job) -> HttpCall:
        return HttpCall("GET", f"/tasks?external_task_ids={quote(job.create_key, safe='')}")

    def parse_lookup(self, job: Job, reply: HttpReply) -> Submitted | None:
        raise_for_error(reply, replies.raise_for_status)
        for task in replies.read(reply, _Tasks).data:
            if task.external_id == job.create_key:
                return Submitted({"id": task.id})
        return None


def _succeeded(path: str, task: _Task) -> Succeeded:
    files = task.outputs or ()
    urls = (file.url or file.watermark_url or file.mp3_url or file.wav_url for file in files)
    return Succeeded(outputs_at(path, urls), cost=_cost(task))


def _cost(task: _Task) -> float | None:
    """Return US dollars; None if a part of the bill has no known value."""
    parts = [_dollars(bill) for bill in task.billing or ()]
    known = [part for part in parts if part is not None]
    return round(sum(known), 6) if parts and len(known) == len(parts) else None


def _dollars(bill: _Bill) -> float | None:
    if bill.charge_type == "cash":
        return bill.amount if bill.currency == "USD" else None
    if bill.charge_type == "unit":
        return cost_of_units(bill.amount, bill.package_type)
    return None
