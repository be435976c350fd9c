"""Adapter for any create-and-poll JSON API, configured by the `spec` of a catalog entry."""

from collections.abc import Callable
from typing import Any

from rushes.catalog.model_entry import ModelEntry
from rushes.catalog.provider_config import Call, HttpProviderSpec, Result
from rushes.catalog.template import as_text, fill
from rushes.errors import UpstreamJobNotFound, UpstreamProtocolError
from rushes.jobs.job import Job
from rushes.jobs.result import Output
from rushes.json_pointer import resolve_in_json, resolve_pointer
from rushes.ports.http import HttpCall, HttpReply
from rushes.providers import replies
from rushes.providers.arguments import model_arguments, model_path
from rushes.providers.base import (
    Failed,
    FetchResult,
    Pending,
    PollResult,
    Profile,
    Provider,
    Submitted,
    Succeeded,
)
from rushes.providers.declarative.errors import mapped_failure, raise_for_error
from rushes.providers.results import first_files
from rushes.providers.values import each, fill_path, number, reported_cost, values_of

STANDARD_ERRORS = frozenset({401, 403, 404, 408, 410, 425})
"""Statuses with the same meaning for any body. 429 is one only without `throttled` and `final`
codes: some vendors return 429 also to an account without balance."""


def from_spec(spec: HttpProviderSpec) -> Provider:
    return CancellableProvider(spec, spec.cancel) if spec.cancel else DeclarativeProvider(spec)


class DeclarativeProvider:
    def __init__(self, spec: HttpProviderSpec) -> None:
        self._spec = spec
        self._statuses = {name.casefold(): meaning for name, meaning in spec.statuses.items()}
        self.profile = Profile(
            spec.key_header, spec.key_scheme, spec.min_poll_seconds, spec.operation_has_path
        )

    def submit_request(self, job: Job, model: ModelEntry | None = None) -> HttpCall:
        values = {"model": job.upstream_model, "path": model_path(job, model) if model else ""}
        path = fill_path(self._spec.create.path, values)
        headers = {**self._spec.headers, **self._spec.create.headers}
        return HttpCall("POST", path, json=self._body_of(job, model), headers=headers)

    def _body_of(self, job: Job, model: ModelEntry | None) -> dict[str, Any]:
        if model and model.arguments:
            return model_arguments(job, model)
        filled = fill(self._spec.create.body, values_of(job, model))
        return {**(filled or {}), **job.request.provider_options}

    def parse_submit(self, reply: HttpReply) -> Submitted:
        body = self._body(reply, replies.raise_for_create_status)
        raise_for_error(body, self._spec.refusal)
        job_id = resolve_pointer(body, self._spec.id)
        if not isinstance(job_id, str | int) or isinstance(job_id, bool) or job_id == "":
            raise UpstreamProtocolError(f"the provider's reply has no id at {self._spec.id}")
        return Submitted({"id": str(job_id)})

    def poll_request(self, operation: dict[str, Any]) -> HttpCall:
        return self._call(self._spec.poll, operation)

    def parse_poll(self, operation: dict[str, Any], reply: HttpReply) -> PollResult | FetchResult:
        spec = self._spec
        body = self._body(reply, replies.raise_for_status)
        status = self._status(body)
        if status in ("queued", "pending"):
            return Pending(self._progress(body), replies.retry_after(reply), status == "queued")
        if status == "not_found":
            raise UpstreamJobNotFound("the provider does not know the job")
        if status == "failed":
            code = as_text(resolve_pointer(body, spec.status))
            return Failed(mapped_failure(body, spec.failure or spec.refusal, code))
        if spec.result:
            return FetchResult(self._result_call(spec.result, operation, body))
        return self._succeeded(body)

    def parse_result(self, operation: dict[str, Any], reply: HttpReply) -> PollResult:  # noqa: ARG002 - contract
        body = self._body(reply, replies.raise_for_status)
        raise_for_error(body, self._spec.refusal)
        return self._succeeded(body)

    def _result_call(self, result: Result, operation: dict[str, Any], body: object) -> HttpCall:
        values = {name: resolve_pointer(body, pointer) for name, pointer in result.values.items()}
        for name, value in values.items():
            if not isinstance(value, str | int):
                pointer = result.values[name]
                raise UpstreamProtocolError(f"the provider's reply has no {name} at {pointer}")
        path = fill_path(result.path, {**operation, **values})
        return HttpCall(result.method, path, headers=self._spec.headers)

    def _call(self, call: Call, operation: dict[str, Any]) -> HttpCall:
        body = fill(call.body, lambda placeholder: operation[placeholder.name])
        path = fill_path(call.path, operation)
        return HttpCall(call.method, path, json=body, headers=self._spec.headers)

    def _status(self, body: object) -> str:
        """Map the provider's status; a reply without a known one may carry an error code."""
        value = resolve_pointer(body, self._spec.status)
        if status := self._statuses.get(as_text(value).casefold()):
            return status
        raise_for_error(body, self._spec.refusal)
        if value is None or isinstance(value, dict | list):
            raise UpstreamProtocolError(
                f"the provider's reply has no status at {self._spec.status}"
            )
        raise replies.unknown_status(as_text(value))

    def _body(self, reply: HttpReply, raise_for_http_error: Callable[[HttpReply], None]) -> Any:  # noqa: ANN401 - any JSON value
        """Parse the body of a success; raise an HTTP error, by its `refusal` code if it has one."""
        mapping = self._spec.refusal
        has_429_codes = mapping is not None and (mapping.throttled or mapping.final)
        standard = STANDARD_ERRORS if has_429_codes else STANDARD_ERRORS | {429}
        if 400 <= reply.status < 500 and reply.status not in standard:
            try:
                body = resolve_in_json(reply.body, "")
            except UpstreamProtocolError:  # the HTTP status is enough
                body = None
            raise_for_error(body, mapping, replies.retry_after(reply), reply.status)
        raise_for_http_error(reply)
        return resolve_in_json(reply.body, "")

    def _succeeded(self, body: object) -> Succeeded:
        urls = [url for pointers in self._spec.outputs for url in each(body, pointers)]
        if not all(isinstance(url, str) for url in urls):
            raise UpstreamProtocolError(f"the value at {self._spec.outputs[0]} is not a URL")
        outputs = (Output(url=url, needs_key=self._spec.outputs_need_key) for url in urls)
        return Succeeded(first_files(outputs), cost=self._cost(body))

    def _progress(self, body: object) -> int | None:
        part = number(resolve_pointer(body, self._spec.progress)) if self._spec.progress else None
        return replies.percentage(part, self._spec.progress_when_done)

    def _cost(self, body: object) -> float | None:
        value = resolve_pointer(body, self._spec.cost) if self._spec.cost else None
        return reported_cost(value, self._spec.cost_unit)


class CancellableProvider(DeclarativeProvider):
    """A provider whose spec has a cancel request."""

    def __init__(self, spec: HttpProviderSpec, cancel: Call) -> None:
        super().__init__(spec)
        self._cancel = cancel

    def cancel_request(self, operation: dict[str, Any]) -> HttpCall:
        return self._call(self._cancel, operation)
