"""Inject faults between boto3 and moto, by botocore's event hooks.

`before-call` runs before the first attempt: the call is not executed. `after-call` runs after it
was executed. Faults of a single attempt, which boto3 retries, are injected in `before-send`.
"""

import json
from collections.abc import Callable, Sequence
from random import Random
from types import SimpleNamespace
from typing import Any

from botocore import UNSIGNED
from botocore.awsrequest import AWSResponse
from botocore.exceptions import ConnectionClosedError, ReadTimeoutError
from moto.core.botocore_stubber import MockRawResponse
from moto.core.models import botocore_stubber

from tests.faults.direct_invoke import HEADERS, DirectInvoke
from tests.faults.fault_kinds import AwsFault
from tests.faults.moto_stack import ENVIRONMENT
from tests.faults.plans import Call, Running

THROTTLES = {
    "dynamodb": "ProvisionedThroughputExceededException",
    "s3": "SlowDown",
    "stepfunctions": "ThrottlingException",
}
REFUSED_ENTRIES = "rushes_fault"


class CrashError(BaseException):
    """Ends the function's process. It is a BaseException so that the core does not catch it."""


class FaultInjector:
    """`here` returns the calling function; `interleave` runs another actor at this moment."""

    def __init__(
        self,
        here: Callable[[], Running],
        interleave: Callable[[str, Running], None],
        executed: Callable[[str, Any, Any], None],
        rng: Random,
    ) -> None:
        self.here, self.interleave, self.executed, self.rng = here, interleave, executed, rng
        self.calls = 0
        self._direct_invoke = DirectInvoke(ENVIRONMENT["AWS_REGION"])
        self._one_try: list[AwsFault] = []

    def attach(self, client: Any) -> Any:
        """Route the client's calls through this injector."""
        events = client.meta.events
        service = client.meta.service_model.service_name
        events.unregister("before-send", botocore_stubber)
        events.register("before-call", self._before(service))
        events.register("before-send", self._send)
        events.register("after-call", self._after)
        if service != "s3":  # presigned links need signatures; other calls are faster without
            events.register("choose-signer", lambda **_: UNSIGNED)
        return client

    def _before(self, service: str) -> Callable[..., Any]:
        def before(model: Any, params: Any, context: Any, **_: Any) -> Any:
            self.calls += 1
            running = self.here()
            plan, call = running.plan, Call(running.function, model.name)
            fault = plan.inject(call, "before")
            if fault and fault.action:
                self.interleave(fault.action, running)
                fault = plan.inject(call, "before")
            if fault is None or fault.action:
                return None
            if fault.once:
                self._one_try = [fault]
                return None
            return self._refused(fault, service, params, context)

        return before

    def _refused(self, fault: AwsFault, service: str, params: Any, context: Any) -> Any:
        match fault.effect:
            case "crash":
                raise CrashError
            case "refuse entries":
                return self._without_some(params, context)
            case "conflict":
                transaction = "TransactWriteItems" in params["headers"].get("X-Amz-Target", "")
                return conflict(json.loads(params["body"])["TransactItems"] if transaction else ())
            case _:
                return error(400, THROTTLES.get(service, "ThrottlingException"))

    def _without_some(self, params: Any, context: Any) -> Any:
        """Let PutEvents reject some of the entries, with status 200."""
        entries = json.loads(params["body"])["Entries"]
        refused = {index for index in range(len(entries)) if self.rng.random() < 0.5} or {0}
        accepted = [entry for number, entry in enumerate(entries) if number not in refused]
        context[REFUSED_ENTRIES] = [number in refused for number in range(len(entries))]
        if accepted:
            params["body"] = json.dumps({"Entries": accepted}).encode()
            return None
        return SimpleNamespace(status_code=200), {"FailedEntryCount": 0, "Entries": []}

    def _send(self, request: Any, event_name: str, **_: Any) -> Any:
        fault = self._one_try.pop() if self._one_try else None
        if fault and fault.effect == "throttle":
            code = "com.amazonaws.dynamodb.v20120810#ThrottlingException"
            return raw(request, 400, {"__type": code, "message": "slow down"})
        operation = event_name.rpartition(".")[2]
        response = self._direct_invoke(operation, request) or botocore_stubber(event_name, request)
        if response is not None and response.status_code == 200:
            self.executed(operation, request, response)
        if fault:
            raise ConnectionClosedError(endpoint_url=request.url)
        return response

    def _after(self, parsed: Any, model: Any, context: Any, http_response: Any, **_: Any) -> None:
        if refusals := context.pop(REFUSED_ENTRIES, None):
            splice(parsed, refusals)
        if http_response.status_code >= 300:
            return
        running = self.here()
        fault = running.plan.inject(Call(running.function, model.name), "after")
        if fault is None:
            return
        if fault.effect == "crash":
            raise CrashError
        raise ReadTimeoutError(endpoint_url="aws")


def splice(parsed: Any, refusals: list[bool]) -> None:
    accepted = iter(parsed["Entries"])
    lost = {"ErrorCode": "InternalFailure", "ErrorMessage": "try again"}
    parsed["Entries"] = [lost if refused else next(accepted) for refused in refusals]
    parsed["FailedEntryCount"] = sum(refusals)


def error(status: int, code: str, **more: Any) -> Any:
    answer = {"Error": {"Code": code, "Message": "injected"}, "ResponseMetadata": {}, **more}
    return SimpleNamespace(status_code=status), answer


def conflict(requests: Sequence[Any]) -> Any:
    """Refuse a write of one item, or a transaction because of its first item."""
    if not requests:
        return error(400, "TransactionConflictException")
    reasons = [{"Code": "TransactionConflict", "Message": "injected"}]
    reasons += [{"Code": "None"}] * (len(requests) - 1)
    return error(400, "TransactionCanceledException", CancellationReasons=reasons)


def raw(request: Any, status: int, body: dict[str, str]) -> Any:
    return AWSResponse(request.url, status, HEADERS, MockRawResponse(json.dumps(body)))
