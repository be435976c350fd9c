"""Bounds on what a provider's reply contains, applied right after an adapter has parsed it.

Whatever the provider sends, the job's item stays below DynamoDB's 400 KB and its cost is plausible.
A value that the job needs is a named error; any other one is left out with a warning.
"""

from dataclasses import replace

from pydantic_core import to_json

from rushes.errors import InvalidOutput, UpstreamProtocolError
from rushes.header_values import MAX_RETRY_AFTER
from rushes.jobs.result import Output
from rushes.ports.http import HttpCall
from rushes.providers.base import (
    FetchResult,
    NextPage,
    Pending,
    PollResult,
    Submitted,
    Succeeded,
)

MAX_OPERATION_BYTES = 4 * 1024
"""Of the job's handle, as JSON."""
MAX_OUTPUTS = 64
MAX_OUTPUTS_BYTES = 48 * 1024
"""Of all outputs, as JSON."""
MAX_URL_BYTES = 8 * 1024
MAX_CONTENT_TYPE_CHARACTERS = 127
MAX_SUBMIT_WARNINGS = 5
MAX_POSITION = 1_000_000
"""Jobs in front of a waiting one."""
MAX_ETA = 7 * 86_400.0
"""Seconds until the result, as the provider estimates."""
MAX_COST = 1000.0
"""US dollars of one job."""
MAX_COST_RATIO = 100.0
"""Multiple of the catalog's price up to which a reported cost is plausible."""
MIN_MAX_COST = 10.0
"""US dollars that are always plausible: the catalog may have no price."""


def check_submitted(submitted: Submitted) -> Submitted:
    """Raise UpstreamProtocolError for a handle that is too large, or has an empty id."""
    size = len(to_json(submitted.operation))
    if size > MAX_OPERATION_BYTES:
        raise UpstreamProtocolError(
            f"the provider's ids and URLs of the job must have at most {MAX_OPERATION_BYTES} bytes"
            f" (got {size})"
        )
    for name, value in submitted.operation.items():
        if value == "":
            raise UpstreamProtocolError(f"the provider's reply has an empty {name}")
    return replace(
        submitted,
        warnings=submitted.warnings[:MAX_SUBMIT_WARNINGS],
        queue_position=_position(submitted.queue_position),
    )


def check_lookup(found: Submitted | NextPage | None) -> Submitted | NextPage | None:
    if isinstance(found, Submitted):
        return check_submitted(found)
    if found:
        _check_call(found.call)
    return found


def check_upload_url(url: str) -> str:
    if (size := len(url.encode())) > MAX_URL_BYTES:
        raise UpstreamProtocolError(
            f"the provider's upload URL must have at most {MAX_URL_BYTES} bytes (got {size})"
        )
    return url


def check_poll(
    result: PollResult | FetchResult, estimate: float | None
) -> PollResult | FetchResult:
    if isinstance(result, FetchResult):
        _check_call(result.call)
        return result
    return check_result(result, estimate)


def check_result(result: PollResult, estimate: float | None) -> PollResult:
    """Return the result within its bounds; `estimate` is the expected cost in US dollars.

    Raises
    ------
    InvalidOutput
        If the outputs cannot be recorded.
    """
    match result:
        case Pending():
            return _check_pending(result)
        case Succeeded():
            return _check_succeeded(result, estimate or 0.0)
        case _:
            return result


def max_cost(estimate: float) -> float:
    return min(max(estimate * MAX_COST_RATIO, MIN_MAX_COST), MAX_COST)


def _check_pending(pending: Pending) -> Pending:
    progress, wait, eta = pending.progress, pending.wait_seconds, pending.eta_seconds
    return replace(
        pending,
        queue_position=_position(pending.queue_position),
        eta_seconds=min(eta, MAX_ETA) if eta is not None and eta >= 0 else None,
        progress=None if progress is None else min(max(progress, 0), 100),
        # A comparison with NaN is false.
        wait_seconds=min(wait, MAX_RETRY_AFTER) if wait is not None and wait >= 0 else None,
    )


def _position(position: int | None) -> int | None:
    return None if position is None else min(max(position, 0), MAX_POSITION)


def _check_succeeded(result: Succeeded, estimate: float) -> Succeeded:
    warnings, cost, limit = list(result.warnings), result.cost, max_cost(estimate)
    if cost is not None and not 0 <= cost <= limit:
        warnings.append(
            f"the provider's cost is ignored: it must be 0 to {limit:g} US dollars (got {cost})"
        )
        cost = None
    outputs = result.outputs
    if len(outputs) > MAX_OUTPUTS:
        warnings.append(f"the provider returned {len(outputs)} outputs; {MAX_OUTPUTS} are stored")
    outputs = tuple(_check_output(output) for output in outputs[:MAX_OUTPUTS])
    size = sum(len(output.model_dump_json().encode()) for output in outputs)
    if size > MAX_OUTPUTS_BYTES:
        raise InvalidOutput(
            f"the URLs of the outputs must have at most {MAX_OUTPUTS_BYTES} bytes (got {size})"
        )
    return replace(result, outputs=outputs, cost=cost, warnings=tuple(warnings))


def _check_output(output: Output) -> Output:
    for name, value in (("URL", output.url), ("pointer", output.pointer or "")):
        if (size := len(value.encode())) > MAX_URL_BYTES:
            raise InvalidOutput(
                f"the output's {name} must have at most {MAX_URL_BYTES} bytes (got {size})"
            )
    if len(output.content_type or "") > MAX_CONTENT_TYPE_CHARACTERS:  # only informative
        return output.model_copy(update={"content_type": None})
    return output


def _check_call(call: HttpCall) -> None:
    size = len(call.path.encode()) + len(to_json(call.json))
    if size > MAX_URL_BYTES:
        raise UpstreamProtocolError(
            f"the provider's URL of the next request must have at most {MAX_URL_BYTES} bytes"
            f" (got {size})"
        )
