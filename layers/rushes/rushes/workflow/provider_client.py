"""Calls to a job's provider: the adapter builds and parses them, the HTTP client sends them."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from typing import cast

from rushes.catalog.models import Catalog
from rushes.catalog.provider_config import ProviderEntry
from rushes.errors import ProviderNotConfigured, UpstreamError, UpstreamThrottled
from rushes.jobs.job import Job
from rushes.jobs.result import Output
from rushes.jobs.status import UpstreamCancelled
from rushes.ports.http import HttpCall, HttpClient, HttpReply, Upstreams
from rushes.ports.storage import Download
from rushes.providers import limits
from rushes.providers.base import (
    FetchResult,
    HasResultCall,
    PollResult,
    Provider,
    Submitted,
    SupportsCancel,
    SupportsUpload,
)
from rushes.workflow.parse_reply import parse_create_reply, parse_reply


@dataclass(frozen=True)
class ProviderClient:
    upstreams: Upstreams
    http_client: HttpClient
    catalog: Catalog
    adapter: Callable[[ProviderEntry], Provider]

    def provider(self, job: Job) -> Provider:
        """Return the adapter of the job's provider.

        Raises
        ------
        ProviderNotConfigured
            If the provider has left the catalog since the job was accepted.
        """
        entry = self.catalog.providers.get(job.provider)
        if entry is None:
            raise ProviderNotConfigured(f"provider {job.provider!r} is no longer in the catalog")
        return self.adapter(entry)

    def idempotency(self, job: Job) -> str:
        """Return the provider's protection against duplicate creates: key, lookup or none."""
        entry = self.catalog.providers.get(job.provider)
        return entry.idempotency if entry else "none"

    def send(self, job: Job, call: HttpCall) -> HttpReply:
        return self.http_client.send(self.upstreams.find(job.provider), call)

    def prepare_create(self, job: Job) -> HttpCall:
        """Build the create call; upload the input file first if the provider requires it."""
        provider, upstream = self.provider(job), self.upstreams.find(job.provider)
        if isinstance(provider, SupportsUpload) and (call := provider.upload_url_request(job)):
            reply = self.http_client.send(upstream, call)
            url = parse_create_reply(
                job, reply, lambda reply: limits.check_upload_url(provider.parse_upload_url(reply))
            )
            file = next(entry.file for entry in job.request.inputs if entry.file)
            self.http_client.put(url, file)
            return provider.submit_request_with_upload(job, url)
        return provider.submit_request(job)

    def create(self, job: Job, call: HttpCall) -> Submitted:
        """Send the create call: the only call that starts a billed generation."""
        upstream = self.upstreams.find(job.provider)
        has_key = self.idempotency(job) == "key"
        if has_key:
            call = replace(call, headers={**call.headers, "idempotency-key": job.create_key})
        reply = self.http_client.send(upstream, call)
        if reply.status == 409 and has_key:
            raise UpstreamThrottled("the provider is still processing the same create call")
        provider = self.provider(job)
        return parse_create_reply(
            job, reply, lambda reply: limits.check_submitted(provider.parse_submit(reply))
        )

    def poll(self, job: Job) -> PollResult:
        provider, operation = self.provider(job), job.operation or {}
        upstream = self.upstreams.find(job.provider)
        reply = self.http_client.send(upstream, provider.poll_request(operation))
        result = parse_reply(
            job,
            reply,
            lambda reply: limits.check_poll(provider.parse_poll(operation, reply), job.cost),
        )
        if not isinstance(result, FetchResult):
            return result
        reply = self.http_client.send(upstream, result.call)
        parse_result = cast("HasResultCall", provider).parse_result
        return parse_reply(
            job, reply, lambda reply: limits.check_result(parse_result(operation, reply), job.cost)
        )

    def cancel(self, job: Job) -> tuple[str, UpstreamCancelled]:
        """Send a cancel request; return a warning for the job and the provider's answer."""
        provider = self.provider(job)
        if not isinstance(provider, SupportsCancel):
            return "the provider does not support cancel", UpstreamCancelled.UNSUPPORTED
        reply = self.send(job, provider.cancel_request(job.operation or {}))
        if reply.status >= 300:
            return f"cancel request failed: HTTP {reply.status}", UpstreamCancelled.NO
        if reply.status in (200, 204):
            return "the provider cancelled the job", UpstreamCancelled.YES
        return "the provider accepted the cancel request", UpstreamCancelled.NO

    def cancel_confirmed(self, job: Job) -> bool:
        """Cancel the job at its provider; return True if the provider confirms it."""
        try:
            return self.cancel(job)[1] is UpstreamCancelled.YES
        except UpstreamError:
            return False

    def download(self, job: Job, output: Output) -> AbstractContextManager[Download]:
        return self.http_client.download(self.upstreams.find(job.provider), output)
