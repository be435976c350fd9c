"""Any upstream with a create call and a poll, as its catalog entry describes it."""

from collections.abc import Callable
from typing import Any

from rushes.catalog.provider_config import Call, HttpProviderSpec, Result
from rushes.catalog.template import as_text, fill
from rushes.errors import UpstreamProtocolError
from rushes.jobs.job import Job
from rushes.jobs.result import Output
from rushes.json_pointer import find, resolve_pointer
from rushes.ports import HttpCall, HttpReply
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
from rushes.providers.provider_errors import failure_of, raise_for_error
from rushes.providers.replies import check_answered, check_created, retry_after, unknown_status
from rushes.providers.values import each, fill_path, number, values_of

OWN_MEANING = frozenset({401, 403, 404, 408, 410, 425})
"""Refusals that mean the same everywhere, whatever the reply says. So does 429, unless the codes of
busyness are told: Kling answers 429 also to an account without money."""


def described(description: HttpProviderSpec) -> Provider:
    if description.cancel:
        return Stoppable(description, description.cancel)
    return Declarative(description)


class Declarative:
    def __init__(self, description: HttpProviderSpec) -> None:
        self._says = description
        self.profile = Profile(
            key_header=description.key_header,
            key_scheme=description.key_scheme,
            shortest_wait=description.shortest_wait,
        )

    def submit(self, job: Job) -> HttpCall:
        body = fill(self._says.create.body, values_of(job))
        path = fill_path(self._says.create.path, {"model": job.upstream_model})
        whole = {**(body or {}), **job.request.provider_options}
        return HttpCall("POST", path, json=whole, headers=self._says.headers)

    def submitted(self, reply: HttpReply) -> Submitted:
        self._check(reply, check_created)
        body = find(reply.body, "")
        raise_for_error(body, self._says.refusal)
        found = resolve_pointer(body, self._says.id)
        if not isinstance(found, str | int) or found == "":
            raise UpstreamProtocolError(f"the provider's answer has no id at {self._says.id}")
        return Submitted({"id": str(found)})

    def poll(self, operation: dict[str, Any]) -> HttpCall:
        return self._call(self._says.poll, operation)

    def polled(self, operation: dict[str, Any], reply: HttpReply) -> PollResult | FetchResult:
        self._check(reply, check_answered)
        body = find(reply.body, "")
        meaning = self._meaning(body)
        if meaning in ("queued", "pending"):
            return Pending(self._progress(body), retry_after(reply), meaning == "queued")
        if meaning == "failed":
            where = self._says.failure or self._says.refusal
            return Failed(
                failure_of(body, where, as_text(resolve_pointer(body, self._says.status)))
            )
        if self._says.result:
            return FetchResult(self._result_call(self._says.result, operation, body))
        return self._succeeded(body)

    def parse_result(self, operation: dict[str, Any], reply: HttpReply) -> PollResult:  # noqa: ARG002 - the reply tells all
        self._check(reply, check_answered)
        body = find(reply.body, "")
        raise_for_error(body, self._says.refusal)
        return self._succeeded(body)

    def _result_call(self, result: Result, operation: dict[str, Any], body: object) -> HttpCall:
        values = {name: resolve_pointer(body, pointer) for name, pointer in result.values.items()}
        for name, value in values.items():
            if not isinstance(value, str | int):
                raise UpstreamProtocolError(f"the answer has no {name} at {result.values[name]}")
        path = fill_path(result.path, {**operation, **values})
        return HttpCall(result.method, path, headers=self._says.headers)

    def _call(self, call: Call, operation: dict[str, Any]) -> HttpCall:
        body = fill(call.body, lambda placeholder: operation[placeholder.name])
        path = fill_path(call.path, operation)
        return HttpCall(call.method, path, json=body, headers=self._says.headers)

    def _meaning(self, body: object) -> str:
        """What the status means; a reply without one that we know may say why."""
        word = resolve_pointer(body, self._says.status)
        meaning = self._says.statuses.get(as_text(word))
        if meaning:
            return meaning
        raise_for_error(body, self._says.refusal)
        if word is None or isinstance(word, dict | list):
            raise UpstreamProtocolError(
                f"the provider's answer has no status at {self._says.status}"
            )
        raise unknown_status(as_text(word))

    def _check(self, reply: HttpReply, check: Callable[[HttpReply], None]) -> None:
        """Sort out refusals; one with a meaning of its own is in the provider's own words."""
        where = self._says.refusal
        told_by_status = OWN_MEANING if where and where.busy else OWN_MEANING | {429}
        if 400 <= reply.status < 500 and reply.status not in told_by_status:
            try:
                body = find(reply.body, "")
            except UpstreamProtocolError:  # the status says it all
                body = None
            raise_for_error(body, where, retry_after(reply))
        check(reply)

    def _succeeded(self, body: object) -> Succeeded:
        return Succeeded(self._outputs(body), cost=self._cost(body))

    def _outputs(self, body: object) -> tuple[Output, ...]:
        found = [it for pointers in self._says.outputs for it in each(body, pointers)]
        if not all(isinstance(it, str) for it in found):
            raise UpstreamProtocolError(f"what is at {self._says.outputs[0]} is no address")
        return tuple(Output(url=it, needs_key=self._says.outputs_need_key) for it in found)

    def _progress(self, body: object) -> int | None:
        share = number(resolve_pointer(body, self._says.progress)) if self._says.progress else None
        return None if share is None else round(100 * share / self._says.progress_when_done)

    def _cost(self, body: object) -> float | None:
        cost = number(resolve_pointer(body, self._says.cost)) if self._says.cost else None
        return None if cost is None else round(cost * self._says.cost_unit, 6)


class Stoppable(Declarative):
    """One whose description has a call to stop a job."""

    def __init__(self, description: HttpProviderSpec, stop: Call) -> None:
        super().__init__(description)
        self._stop = stop

    def cancel(self, operation: dict[str, Any]) -> HttpCall:
        return self._call(self._stop, operation)
