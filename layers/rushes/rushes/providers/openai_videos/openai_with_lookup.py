"""Adapter for OpenAI Videos servers whose list shows `user`: a lost create call can be found."""

from dataclasses import replace
from urllib.parse import quote

from typing_extensions import override

from rushes.catalog.model_entry import ModelEntry
from rushes.jobs.job import Job
from rushes.ports.http import HttpCall, HttpReply
from rushes.providers import replies
from rushes.providers.base import NextPage, Submitted
from rushes.providers.openai_videos.openai_compatible import OpenAICompatible

NEWEST = "/videos?limit=100&order=desc"
CLOCK_SKEW = 600.0
"""Maximum difference in seconds between the provider's clock and ours."""


class _Entry(replies.Reply):
    id: str
    created_at: float
    user: str | None = None


class _List(replies.Reply):
    data: replies.Members[_Entry]
    has_more: bool = False


class OpenAIWithLookup(OpenAICompatible):
    @override
    def submit_request(self, job: Job, model: ModelEntry | None = None) -> HttpCall:
        call = super().submit_request(job, model)
        user = {"user": job.create_key}
        if call.json is not None:
            return replace(call, json={**call.json, **user})
        return replace(call, form={**(call.form or {}), **user})

    def lookup_request(self, job: Job) -> HttpCall:  # noqa: ARG002 - the API has no filter by user
        return HttpCall("GET", NEWEST)

    def parse_lookup(self, job: Job, reply: HttpReply) -> Submitted | NextPage | None:
        """Search page by page, back to the time when the job was created."""
        page = replies.parse_reply(reply, _List)
        for entry in page.data:
            if entry.user == job.create_key:
                return Submitted({"id": entry.id})
        if page.has_more and page.data and page.data[-1].created_at > job.created_at - CLOCK_SKEW:
            after = quote(page.data[-1].id, safe="")
            return NextPage(HttpCall("GET", f"{NEWEST}&after={after}"))
        return None
