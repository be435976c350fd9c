"""Adapter for any create-and-poll JSON API, configured by the `spec` of a catalog entry."""

from collections.abc import Callable, Iterator
from typing import Any

from rushes.catalog.model_entry import ModelEntry
from rushes.catalog.provider_config import Call, Cancel, HttpProviderSpec, Result
from rushes.catalog.template import as_text, fill
from rushes.errors import UpstreamJobNotFound, UpstreamProtocolError
from rushes.jobs.job import Job
from rushes.jobs.result import Output
from rushes.json_pointer import resolve_in_json, resolve_pointer
from rushes.ports.http import HttpCall, HttpReply
from rushes.providers import replies
from rushes.providers.arguments import model_arguments, model_path
from rushes.providers.base import (
    RESULT_PATH,
    CancelReply,
    Failed,
    FetchResult,
    PollResult,
    Profile,
    Provider,
    Submitted,
    Succeeded,
)
from rushes.providers.cancels import parse_cancel
from rushes.providers.declarative.errors import mapped_failure, raise_for_error
from rushes.providers.polls import parse_poll, stopped, waiting
from rushes.providers.results import files_at, first_files, is_data_url, linked, linked_files
from rushes.providers.states import State, state_of
from rushes.providers.values import each, fill_path, number, reported_cost, values_of

STANDARD_ERRORS = frozenset({401, 403, 404, 408, 410, 425})
"""Statuses with the same meaning for any body. 429 is one only without `throttled` and `final`
codes: some vendors return 429 also to an account without balance."""

MIN_INLINE_CHARACTERS = 200
"""Of a file in base64."""
STATES = {
    "queued": State.QUEUED,
    "pending": State.RUNNING,
    "succeeded": State.SUCCEEDED,
    "failed": State.FAILED,
}
"""States by the meaning that a spec gives to a status."""


def from_spec(spec: HttpProviderSpec) -> Provider:
    return CancellableProvider(spec, spec.cancel) if spec.cancel else DeclarativeProvider(spec)


class DeclarativeProvider:
    def __init__(self, spec: HttpProviderSpec) -> None:
        self._spec = spec
        self._words = _words_of(spec)
        self._not_found = frozenset(
            name.casefold() for name, meaning in spec.statuses.items() if meaning == "not_found"
        )
        self.profile = Profile(
            spec.key_header,
            spec.key_scheme,
            spec.min_poll_seconds,
            spec.operation_has_path,
            has_queue="queued" in spec.statuses.values(),
            cancel_deletes_result=spec.cancel is not None and spec.cancel.deletes_result,
            cancels_queued_only=spec.cancel is not None and spec.cancel.queued_only,
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
        """Read the id, or else the URL of the job in `Location`, as HTTP has it for 201 and 202."""
        location = reply.headers.get("location", "").strip()
        if reply.status in (201, 202) and location and not reply.body.strip():
            return Submitted({"id": _last_segment(location), "url": location})
        body = self._body(reply, replies.raise_for_create_status)
        raise_for_error(body, self._spec.refusal)
        job_id = resolve_pointer(body, self._spec.id)
        if isinstance(job_id, str | int) and not isinstance(job_id, bool) and job_id != "":
            return Submitted({"id": str(job_id)})
        if reply.status in (201, 202) and location:
            return Submitted({"id": _last_segment(location), "url": location})
        raise UpstreamProtocolError(f"the provider's reply has no id at {self._spec.id}")

    def poll_request(self, operation: dict[str, Any]) -> HttpCall:
        if url := operation.get("url"):
            created_at = operation.get("path", self._spec.create.path)
            return HttpCall("GET", url, headers=self._spec.headers, relative_to=created_at)
        return self._call(self._spec.poll, operation)

    def parse_poll(self, operation: dict[str, Any], reply: HttpReply) -> PollResult | FetchResult:
        call = self.poll_request(operation)

        def result_of(body: object, state: State) -> PollResult | FetchResult:
            if state is State.SUCCEEDED:
                return self._ended(call, operation, body)
            code = as_text(resolve_pointer(body, self._spec.status))
            mapping = self._spec.failure or self._spec.refusal
            return stopped(state, mapped_failure(body, mapping, code))

        return parse_poll(
            reply,
            lambda reply: resolve_in_json(reply.body, ""),
            self._status,
            result_of,
            pending_of=lambda body, state: waiting(state, reply, self._progress(body)),
            own=self._words,
            raise_for_error=self._raise_for_error,
        )

    def _ended(
        self, call: HttpCall, operation: dict[str, Any], body: object
    ) -> PollResult | FetchResult:
        if self._spec.result:
            return FetchResult(self._result_call(self._spec.result, operation, body))
        return self._succeeded(call, body)

    def parse_result(self, operation: dict[str, Any], reply: HttpReply) -> PollResult:
        """Read the outputs. A refusal in place of the result fails the job."""
        if error := replies.refused_result(reply):
            self._raise_for_code(reply)
            return Failed(error)
        body = self._body(reply, replies.raise_for_status)
        raise_for_error(body, self._spec.refusal)
        method = self._spec.result.method if self._spec.result else "GET"
        return self._succeeded(HttpCall(method, operation.get(RESULT_PATH, "/")), body)

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
        value = resolve_pointer(body, self._spec.status)
        if value is None or isinstance(value, dict | list):
            raise UpstreamProtocolError(
                f"the provider's reply has no status at {self._spec.status}"
            )
        status = as_text(value)
        if status.casefold() in self._not_found:
            raise UpstreamJobNotFound("the provider does not know the job")
        return status

    def _raise_for_error(self, reply: HttpReply) -> None:
        """Raise the error of a reply; a success with a known status has none."""
        self._raise_for_http_error(reply, replies.raise_for_status)
        try:
            body = resolve_in_json(reply.body, "")
        except UpstreamProtocolError:
            return
        value = resolve_pointer(body, self._spec.status)
        if value is None or state_of(as_text(value), self._words) is None:
            raise_for_error(body, self._spec.refusal)

    def _body(self, reply: HttpReply, raise_for_http_error: Callable[[HttpReply], None]) -> Any:  # noqa: ANN401 - any JSON value
        self._raise_for_http_error(reply, raise_for_http_error)
        return resolve_in_json(reply.body, "")

    def _raise_for_http_error(
        self, reply: HttpReply, raise_for_http_error: Callable[[HttpReply], None]
    ) -> None:
        """Raise an HTTP error, by its `refusal` code if it has one."""
        mapping = self._spec.refusal
        has_429_codes = mapping is not None and (mapping.throttled or mapping.final)
        standard = STANDARD_ERRORS if has_429_codes else STANDARD_ERRORS | {429}
        if 400 <= reply.status < 500 and reply.status not in standard:
            self._raise_for_code(reply)
        raise_for_http_error(reply)

    def _raise_for_code(self, reply: HttpReply) -> None:
        try:
            body = resolve_in_json(reply.body, "")
        except UpstreamProtocolError:  # the HTTP status is enough
            return
        raise_for_error(body, self._spec.refusal, replies.retry_after(reply), reply.status)

    def _succeeded(self, call: HttpCall, body: object) -> Succeeded:
        found = [place for pointers in self._spec.outputs for place in each(body, pointers)]
        outputs = first_files(
            self._completed(call, output)
            for pointer, value in found
            for output in _files(call.path, pointer, value)
        )
        if found and not outputs:
            raise UpstreamProtocolError(f"the value at {self._spec.outputs[0]} is not a URL")
        if not outputs and self._spec.outputs and isinstance(body, dict):
            outputs = tuple(
                self._completed(call, output) for output in linked_files(call.path, body)
            )
        return Succeeded(outputs, cost=self._cost(body))

    def _completed(self, call: HttpCall, output: Output) -> Output:
        """Return the file with the key, if its URL needs it, and the body of the request for it."""
        needs_key = output.needs_key or self._spec.outputs_need_key
        body = call.json if output.pointer and call.method == "POST" else None
        return output.model_copy(update={"needs_key": needs_key, "json_body": body})

    def _progress(self, body: object) -> int | None:
        part = number(resolve_pointer(body, self._spec.progress)) if self._spec.progress else None
        return replies.percentage(part, self._spec.progress_when_done)

    def _cost(self, body: object) -> float | None:
        value = resolve_pointer(body, self._spec.cost) if self._spec.cost else None
        return reported_cost(value, self._spec.cost_unit)


def _files(path: str, pointer: str, value: Any) -> Iterator[Output]:  # noqa: ANN401 - any JSON value
    """Yield the files of an output; a short text is a URL or a reference, whatever it has."""
    if isinstance(value, str) and len(value) < MIN_INLINE_CHARACTERS and not is_data_url(value):
        yield linked(path, value)
    else:
        yield from files_at(path, pointer, value)


def _last_segment(location: str) -> str:
    """Return the last step of a URL's path, which is the job's id by custom."""
    return location.partition("?")[0].rstrip("/").rpartition("/")[2] or location


def _words_of(spec: HttpProviderSpec) -> dict[str, State]:
    """Return the states by status. A cancelled job is one that the provider says is cancelled."""
    words = {}
    for name, meaning in spec.statuses.items():
        if meaning in STATES:
            state = STATES[meaning]
            is_cancelled = state is State.FAILED and state_of(name) is State.CANCELLED
            words[name.casefold()] = State.CANCELLED if is_cancelled else state
    return words


class CancellableProvider(DeclarativeProvider):
    """A provider whose spec has a cancel request."""

    def __init__(self, spec: HttpProviderSpec, cancel: Cancel) -> None:
        super().__init__(spec)
        self._cancel = cancel

    def cancel_request(self, operation: dict[str, Any]) -> HttpCall:
        return self._call(self._cancel, operation)

    def parse_cancel(self, reply: HttpReply) -> CancelReply:
        """Read the job's status in the reply."""
        removes = self._cancel.deletes_result
        done = CancelReply.REMOVED if removes else CancelReply.REQUESTED
        return parse_cancel(reply, (self._spec.status,), done=done)
