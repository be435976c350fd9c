"""Calls to a job's provider: the adapter builds and parses them, the HTTP client sends them."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from typing import cast

from rushes.catalog.model_entry import ModelEntry
from rushes.catalog.provider_config import ProviderEntry
from rushes.catalog.source import CatalogSource, find_model, find_provider
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
    parse_submitted,
)
from rushes.workflow.parse_reply import parse_create_reply, parse_reply


@dataclass(frozen=True)
class ProviderClient:
    upstreams: Upstreams
    http_client: HttpClient
    catalogs: CatalogSource
    adapter: Callable[[ProviderEntry], Provider]

    def provider(self, job: Job) -> Provider:
        """Return the adapter of the job's provider.

        Raises
        ------
        ProviderNotConfigured
            If the provider has left the catalog since the job was accepted.
        """
        return self.adapter(find_provider(self.catalogs, job))

    def idempotency(self, job: Job) -> str:
        """Return the provider's protection against duplicate creates: key, lookup or none."""
        entry = self.catalogs.for_job(job).providers.get(job.provider)
        return entry.idempotency if entry else "none"

    def send(self, job: Job, call: HttpCall) -> HttpReply:
        reply = self.http_client.send(self.upstreams.find(job), call)
        if reply.status in (401, 403):
            self.upstreams.key_rejected(job)
        return reply

    def prepare_create(self, job: Job) -> HttpCall:
        """Build the create call; upload the input file first if the provider requires it.

        The key is read here, and a token made from it: the lease covers the create call alone.
        """
        provider, model = self.provider(job), self._model(job)
        self.upstreams.find(job)
        if isinstance(provider, SupportsUpload) and (call := provider.upload_url_request(job)):
            reply = self.send(job, call)
            url = parse_create_reply(
                job, reply, lambda reply: limits.check_upload_url(provider.parse_upload_url(reply))
            )
            file = next(entry.file for entry in job.request.inputs if entry.file)
            self.http_client.put(url, file)
            return provider.submit_request_with_upload(job, url, model)
        return provider.submit_request(job, model)

    def _model(self, job: Job) -> ModelEntry | None:
        """Return None for a job of an older release, which had models without arguments only.

        Raises
        ------
        ProviderNotConfigured
            If the model cannot be read: its arguments are not guessed.
        """
        model = find_model(self.catalogs, job)
        if model is None and job.config_version is not None:
            raise ProviderNotConfigured(
                f"version {job.config_version} of the configuration, which accepted the job, or its"
                f" model {job.model or job.request.model!r} cannot be read"
            )
        return model

    def create(self, job: Job, call: HttpCall) -> Submitted:
        """Send the create call: the only call that starts a billed generation."""
        provider, has_key = self.provider(job), self.idempotency(job) == "key"
        if has_key:
            call = replace(call, headers={**call.headers, "idempotency-key": job.create_key})
        reply = self.send(job, call)
        if reply.status == 409 and has_key:
            raise UpstreamThrottled("the provider is still processing the same create call")
        return parse_create_reply(
            job,
            reply,
            lambda reply: limits.check_submitted(parse_submitted(provider, call, reply)),
        )

    def poll(self, job: Job) -> PollResult:
        provider, operation = self.provider(job), job.operation or {}
        reply = self.send(job, provider.poll_request(operation))
        result = parse_reply(
            job,
            reply,
            lambda reply: limits.check_poll(provider.parse_poll(operation, reply), job.cost),
        )
        if not isinstance(result, FetchResult):
            return result
        reply = self.send(job, result.call)
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
        return self.http_client.download(self.upstreams.find(job), output)
