"""What becomes of a job for each reply of a provider: HTTP status x body x moment x adapter.

Each cell is run twice: with a fault of two minutes, and with one that does not end.
"""

import json
import logging
from collections.abc import Callable, Iterator

import pytest

from rushes.ports.http import HttpReply
from rushes.providers import PROVIDERS
from tests.contract.fault_catalogue_runner import Adapter, run

BRIEF, FOR_EVER = 120.0, 1e9

BODIES = {
    "empty": b"",
    "page": b"<html><body>Bad gateway</body></html>",
    "error": json.dumps({"error": {"message": "no", "code": "unexpected"}}).encode(),
}
"""Bodies without a verdict."""
KEY = (401, 403)
GONE = (404, 410)
REFUSAL = (400, 409, 422, 451)
LATER = (408, 425, 429, 500, 502, 503, 504, 529)
ERRORS = (*KEY, *GONE, *REFUSAL, *LATER)

Outcomes = tuple[str, str]
"""Of a brief fault, and of one that does not end."""
SURVIVES: Outcomes = ("completed", "dead letter")
RUNS: Outcomes = ("completed", "polled until the deadline")
DONE: Outcomes = ("completed", "completed")
MOVES: Outcomes = ("failed over", "failed over")
FILTERED: Outcomes = ("content_filtered", "content_filtered")
UNKNOWN: Outcomes = ("upstream_outcome_unknown", "upstream_outcome_unknown")
INVALID: Outcomes = ("upstream_bad_response", "upstream_bad_response")
Cell = tuple[int, str, Outcomes]


ADAPTERS = (
    Adapter("bedrock", downloads=False),
    Adapter("declarative", "fetch_result", "failed_by_filter", result="result"),
    Adapter(
        "declarative",
        "byteplus_succeeded",
        "byteplus_failed",
        submit="byteplus_submit",
        created={"error": MOVES},
    ),
    Adapter(
        "declarative",
        "dashscope_succeeded",
        "dashscope_failed",
        "dashscope_pending",
        "dashscope_submit",
    ),
    Adapter("fal", "fetch_result", result="succeeded", refuses_result=(422,)),
    Adapter("gemini"),
    Adapter("interactions", "fetch_result", result="file_succeeded"),
    Adapter("kling", created=dict.fromkeys(BODIES, UNKNOWN)),
    Adapter("kling_v1"),
    Adapter("minimax", path="/v2/video_generation"),
    Adapter(
        "minimax", "fetch_result", "v1_failed", "v1_pending", "submit_v1", "result", "/v1/video"
    ),
    Adapter("openai_compatible"),
    Adapter("openai_compatible", "succeeded_bifrost"),
    Adapter("openai_with_lookup"),
    Adapter("openrouter"),
    Adapter("pipelet", "fetch_result", result="succeeded", refuses_result=(422,)),
    Adapter("replicate"),
    Adapter("runway"),
    Adapter("tiyaro", "succeeded_files"),
    Adapter("together"),
    Adapter("vertex", downloads=False),
    Adapter("xai"),
)


def poll_cells(adapter: Adapter) -> Iterator[Cell]:
    """A verdict counts with any status; without one, only the provider's word keeps a job."""
    failed = FILTERED if "filter" in adapter.failed else MOVES
    for status in (200, *ERRORS):
        yield status, adapter.failed, failed
        yield status, adapter.done, DONE
        for body in BODIES:
            yield status, body, SURVIVES
    for status in ERRORS:
        yield status, adapter.running, SURVIVES
    yield 200, adapter.running, RUNS
    yield 202, adapter.running, RUNS
    yield 202, "empty", RUNS
    yield 202, "page", RUNS


def result_cells(adapter: Adapter) -> Iterator[Cell]:
    """The job is done: a refusal in place of the result ends it, other errors may pass."""
    for body in BODIES:
        yield 200, body, SURVIVES
        yield 202, body, RUNS if adapter.protocol == "interactions" else SURVIVES
        for status in ERRORS:
            yield status, body, MOVES if status in adapter.refuses_result else SURVIVES


def download_cells(adapter: Adapter) -> Iterator[Cell]:  # noqa: ARG001 - the same for all
    """A result that was paid for is fetched again, whatever its URL returns."""
    for status in (201, 202, 204, 206, 300, 304, *ERRORS):
        yield status, "page", SURVIVES
    yield 200, "empty", SURVIVES
    yield 200, "page", SURVIVES
    yield 203, "page", SURVIVES


def create_cells(adapter: Adapter) -> Iterator[Cell]:
    """Only a create call that has surely created nothing is repeated or moves the job."""
    for body in BODIES:
        for status in (400, 401, 402, 403, 404, 409, 410, 422, 451):
            yield status, body, MOVES
        yield 429, body, ("completed", "failed over")
        for status in (408, 500, 502, 504):
            yield status, body, UNKNOWN
        yield 200, body, adapter.created.get(body, INVALID)


MOMENTS: dict[str, Callable[[Adapter], Iterator[Cell]]] = {
    "create": create_cells,
    "poll": poll_cells,
    "result": result_cells,
    "download": download_cells,
}


def cells() -> list[tuple[str, Adapter, Cell]]:
    return [
        (moment, adapter, cell)
        for adapter in ADAPTERS
        for moment, cells_of in MOMENTS.items()
        if adapter.has(moment)
        for cell in cells_of(adapter)
    ]


@pytest.fixture(autouse=True)
def no_logs() -> Iterator[None]:
    """Their thousands of lines take most of the time."""
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


@pytest.mark.parametrize("adapter", ADAPTERS, ids=str)
@pytest.mark.parametrize("moment", MOMENTS)
def test_job_has_the_outcome_of_its_cell(moment: str, adapter: Adapter):
    """Each cell of an adapter and a moment; the differences are listed together."""
    if not adapter.has(moment):
        assert moment in ("result", "download")
        return
    found = {}
    for status, body, expected in MOMENTS[moment](adapter):
        reply = HttpReply(status, {}, BODIES.get(body) or adapter.body_or_empty(body))
        brief, for_ever = (run(adapter, moment, reply, seconds) for seconds in (BRIEF, FOR_EVER))
        if (brief, for_ever) != expected:
            found[status, body] = brief, for_ever
    assert found == {}


def test_catalogue_has_all_protocols_and_only_a_running_job_reaches_its_deadline():
    assert {adapter.protocol for adapter in ADAPTERS} == set(PROVIDERS)
    assert len(cells()) >= 2000
    for _, adapter, (status, body, outcomes) in cells():
        if "polled until the deadline" in outcomes:
            assert status == 202 or body == adapter.running
