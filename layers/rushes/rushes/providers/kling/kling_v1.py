"""Adapter for the older API of Kling, whose paths begin with `/v1/`.

A task is polled at the path that created it.
"""

from typing import Any
from urllib.parse import quote

from rushes.catalog.model_entry import ModelEntry
from rushes.jobs.job import Job
from rushes.ports.http import HttpCall, HttpReply
from rushes.providers import replies
from rushes.providers.arguments import model_arguments, model_path, require_arguments
from rushes.providers.base import PollResult, Profile, Submitted, Succeeded
from rushes.providers.kling.errors import raise_for_error
from rushes.providers.kling.prices import cost_of_units
from rushes.providers.kling.tasks import outputs_at, result_of
from rushes.providers.polls import parse_poll


class _File(replies.Reply):
    """A video or an image has `url`, a sound `url_mp3` and `url_wav`."""

    url: str | None = None
    watermark_url: str | None = None
    url_mp3: str | None = None
    url_wav: str | None = None


class _Files(replies.Reply):
    videos: replies.Members[_File] | None = None
    images: replies.Members[_File] | None = None
    series_images: replies.Members[_File] | None = None
    audios: replies.Members[_File] | None = None


class _Task(replies.Reply):
    task_status: str
    task_status_msg: str | None = None
    task_result: _Files | None = None
    final_unit_deduction: replies.NumberOrNone = None


class _Reply(replies.Reply):
    data: _Task


class _Created(replies.Reply):
    task_id: replies.JobId


class _CreateReply(replies.Reply):
    data: _Created


class KlingV1:
    profile = Profile(min_poll_seconds=5, operation_has_path=True)

    def submit_request(self, job: Job, model: ModelEntry | None = None) -> HttpCall:
        entry = require_arguments(job, model)
        body = {**model_arguments(job, entry), "external_task_id": job.create_key}
        return HttpCall("POST", model_path(job, entry), json=body)

    def parse_submit(self, reply: HttpReply) -> Submitted:
        raise_for_error(reply, replies.raise_for_create_status)
        return Submitted({"id": replies.read(reply, _CreateReply).data.task_id})

    def poll_request(self, operation: dict[str, Any]) -> HttpCall:
        return HttpCall("GET", f"{operation['path']}/{quote(operation['id'], safe='')}")

    def parse_poll(self, operation: dict[str, Any], reply: HttpReply) -> PollResult:
        path = self.poll_request(operation).path
        return parse_poll(
            reply,
            lambda reply: replies.read(reply, _Reply).data,
            lambda task: task.task_status,
            lambda task, state: result_of(
                state,
                task.task_status,
                task.task_status_msg,
                lambda: _succeeded(path, task, operation["path"]),
            ),
            raise_for_error=lambda reply: raise_for_error(reply, replies.raise_for_status),
        )


def _succeeded(path: str, task: _Task, create_path: str) -> Succeeded:
    found = task.task_result or _Files()
    lists = (found.videos, found.images, found.series_images, found.audios)
    files = (file for members in lists for file in members or ())
    urls = (file.url or file.watermark_url or file.url_mp3 or file.url_wav for file in files)
    return Succeeded(outputs_at(path, urls), cost=_cost(task, create_path))


def _cost(task: _Task, path: str) -> float | None:
    """Return US dollars; None without units: the account's balance was charged."""
    package = "image" if path.startswith("/v1/images/") else "video"
    return cost_of_units(task.final_unit_deduction or None, package)
