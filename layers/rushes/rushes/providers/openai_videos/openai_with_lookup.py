"""Servers of the OpenAI Videos API whose lists show `user`: a create that was lost can be found."""

from typing import Any
from urllib.parse import quote

from typing_extensions import override

from rushes.jobs.job import Job
from rushes.ports import HttpCall, HttpReply
from rushes.providers.base import FetchResult, Submitted
from rushes.providers.openai_videos.openai_compatible import OpenAICompatible
from rushes.providers.replies import Reply, check_answered, read

NEWEST = "/videos?limit=100&order=desc"
MARGIN = 600.0
"""Seconds by which the provider's clock may differ from ours."""


class _Entry(Reply):
    id: str
    created_at: float
    user: str | None = None


class _List(Reply):
    data: tuple[_Entry, ...]
    has_more: bool = False


class OpenAIWithLookup(OpenAICompatible):
    @override
    def submit(self, job: Job) -> HttpCall:
        call = super().submit(job)
        return HttpCall(call.method, call.path, form={**(call.form or {}), "user": job.create_key})

    def find(self, job: Job) -> HttpCall:  # noqa: ARG002 - there is no search by name
        return HttpCall("GET", NEWEST)

    def found(self, job: Job, reply: HttpReply) -> Submitted | FetchResult | None:
        """Page by page, back to when the job was accepted."""
        check_answered(reply)
        page = read(reply, _List)
        for entry in page.data:
            if entry.user == job.create_key:
                return Submitted(_operation(entry))
        if page.has_more and page.data and page.data[-1].created_at > job.created_at - MARGIN:
            after = quote(page.data[-1].id, safe="")
            return FetchResult(HttpCall("GET", f"{NEWEST}&after={after}"))
        return None


def _operation(entry: _Entry) -> dict[str, Any]:
    return {"id": entry.id}
