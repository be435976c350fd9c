"""Calls to a job's provider: the adapter builds and parses them, the HTTP client sends them."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from typing import cast

from rushes.catalog.model_entry import ModelEntry
from rushes.catalog.provider_config import ProviderEntry, VendorErrors
from rushes.catalog.source import CatalogSource, find_model, find_provider
from rushes.errors import ProviderNotConfigured, UpstreamError, UpstreamThrottled
from rushes.jobs.job import Job
from rushes.jobs.result import Output
from rushes.ports.http import HttpCall, HttpClient, HttpReply, Upstreams
from rushes.ports.storage import Download
from rushes.providers import limits
from rushes.providers.base import (
    RESULT_PATH,
    CancelReply,
    Failed,
    FetchResult,
    HasResultCall,
    PollResult,
    Provider,
    Submitted,
    SupportsCancel,
    SupportsUpload,
    parse_submitted,
)
from rushes.providers.created import with_beginning
from rushes.providers.file_sizes import check_files
from rushes.providers.results import is_http_url
from rushes.workflow import failure_log
from rushes.workflow.call_counts import CallCounter
from rushes.workflow.parse_reply import NO_CODES, parse_create_reply, parse_reply

PREPARE, CREATE = "prepare", "create"
REDIRECTS = frozenset({301, 302, 303, 307, 308})


@dataclass(frozen=True)
class ProviderClient:
    upstreams: Upstreams
    http_client: HttpClient
    catalogs: CatalogSource
    adapter: Callable[[ProviderEntry], Provider]
    call_counter: CallCounter

    @contextmanager
    def _reported(self, job: Job, call: str) -> Iterator[None]:
        """Count a call, log its error, and replace the error's message by that for clients."""
        try:
            yield
        except UpstreamError as error:
            self.call_counter.failed(job.provider, call, error)
            raise failure_log.report(job, call, error) from error
        if call not in (PREPARE, CREATE):  # most preparations send no request
            self.call_counter.succeeded(job.provider)

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
        with self._reported(job, PREPARE):
            return self._prepare_create(job)

    def _prepare_create(self, job: Job) -> HttpCall:
        provider, model = self.provider(job), self._model(job)
        self.upstreams.find(job)
        if isinstance(provider, SupportsUpload) and (call := provider.upload_url_request(job)):
            reply = self.send(job, call)
            url = parse_create_reply(
                job,
                reply,
                lambda reply: limits.check_upload_url(provider.parse_upload_url(reply)),
                self._error_codes(job),
            )
            file = next(entry.file for entry in job.request.inputs if entry.file)
            self.http_client.put(url, file)
            return check_files(provider.submit_request_with_upload(job, url, model))
        return check_files(provider.submit_request(job, model))

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
                f" model {job.made_by!r} cannot be read"
            )
        return model

    def create(self, job: Job, call: HttpCall) -> Submitted:
        """Send the create call: the only call that starts a billed generation."""
        with self._reported(job, CREATE):
            return self._create(job, call)

    def count_create(self, job: Job) -> None:
        """Count an accepted create call, which is recorded first: to count takes time."""
        self.call_counter.succeeded(job.provider)

    def _create(self, job: Job, call: HttpCall) -> Submitted:
        provider, has_key = self.provider(job), self.idempotency(job) == "key"
        call = replace(call, headers={**call.headers, **self._request_id(job)})
        if has_key:
            call = replace(call, headers={**call.headers, "idempotency-key": job.create_key})
        reply = self.send(job, call)
        if reply.status == 409 and has_key:
            raise UpstreamThrottled("the provider is still processing the same create call")
        return parse_create_reply(
            job,
            reply,
            lambda reply: limits.check_submitted(
                with_beginning(parse_submitted(provider, call, reply), reply)
            ),
            self._error_codes(job),
        )

    def _request_id(self, job: Job) -> dict[str, str]:
        """Return the header with an id of this create call, which begins with the job's."""
        entry = self.catalogs.for_job(job).providers.get(job.provider)
        if entry is None or not entry.request_id_header or not job.request_id:
            return {}
        return {entry.request_id_header: f"{job.request_id}-{job.submissions}"}

    def _error_codes(self, job: Job) -> VendorErrors:
        entry = self.catalogs.for_job(job).providers.get(job.provider)
        return entry.errors if entry else NO_CODES

    def _get(self, job: Job, call: HttpCall) -> HttpReply:
        """Send a request that is safe to repeat, and follow one redirect of it."""
        reply = self.send(job, call)
        location = reply.headers.get("location")
        if call.method != "GET" or reply.status not in REDIRECTS or not location:
            return reply
        if call.relative_to is not None and not is_http_url(location):
            return reply
        return self.send(job, replace(call, path=location, relative_to=call.path))

    def poll(self, job: Job) -> PollResult:
        with self._reported(job, "poll"):
            result = self._poll(job)
        if isinstance(result, Failed):
            return failure_log.report_failed_job(job, result, self._error_codes(job))
        return result

    def _poll(self, job: Job) -> PollResult:
        provider, operation = self.provider(job), job.operation or {}
        reply = self._get(job, provider.poll_request(operation))
        result = parse_reply(
            job,
            reply,
            lambda reply: limits.check_poll(provider.parse_poll(operation, reply), job.cost),
            self._error_codes(job),
        )
        if not isinstance(result, FetchResult):
            return result
        reply = self._get(job, result.call)
        operation = {**operation, RESULT_PATH: result.call.path}
        parse_result = cast("HasResultCall", provider).parse_result
        return parse_reply(
            job,
            reply,
            lambda reply: limits.check_result(parse_result(operation, reply), job.cost),
            self._error_codes(job),
        )

    def cancel(self, job: Job) -> CancelReply | None:
        """Send a cancel request and read the reply; None if the provider has no such request."""
        provider = self.provider(job)
        if not isinstance(provider, SupportsCancel):
            return None
        call = provider.cancel_request(job.operation or {})
        if call is None:
            return None
        with self._reported(job, "cancel"):
            return parse_reply(job, self.send(job, call), provider.parse_cancel)

    @contextmanager
    def download(self, job: Job, output: Output) -> Iterator[Download]:
        """Open an output, or its fallback if it cannot be opened."""
        upstream = self.upstreams.find(job)
        with ExitStack() as stack:
            try:
                download = stack.enter_context(self.http_client.download(upstream, output))
            except UpstreamError:
                if output.fallback is None:
                    raise
                other = self.http_client.download(upstream, output.fallback)
                download = stack.enter_context(other)
            yield download
