"""Bounds on parsed replies: a named error, or a warning that names the value."""

import math
from dataclasses import replace
from typing import Any

import pytest
from pydantic_core import to_json

from rushes.errors import InvalidOutput, UpstreamProtocolError
from rushes.header_values import MAX_RETRY_AFTER
from rushes.jobs.result import JobError, Output, cut
from rushes.ports.http import HttpCall
from rushes.providers import limits
from rushes.providers.base import (
    Failed,
    FetchResult,
    NextPage,
    Pending,
    PollResult,
    Submitted,
    Succeeded,
)

WIDE = "\N{CLAPPER BOARD}"
"""Takes four bytes."""
VIDEO = Output(url="https://cdn.example/video.mp4")
DONE = Succeeded((VIDEO,))


def succeeded(result: PollResult, estimate: float | None = 0.4) -> Succeeded:
    checked = limits.check_result(result, estimate)
    assert isinstance(checked, Succeeded)
    return checked


@pytest.mark.parametrize("cost", [0.0, 0.4, 10.0, 39.9])
def test_plausible_cost_is_kept(cost: float):
    assert succeeded(replace(DONE, cost=cost)) == replace(DONE, cost=cost)


@pytest.mark.parametrize("cost", [-5.0, -0.0001, 1e308, math.inf, -math.inf, math.nan, 40.1])
def test_implausible_cost_is_ignored_with_a_warning_that_names_it(cost: float):
    checked = succeeded(replace(DONE, cost=cost))
    assert (checked.cost, checked.outputs) == (None, DONE.outputs)
    (warning,) = checked.warnings
    assert warning.endswith(f"must be 0 to 40 US dollars (got {cost})")


@pytest.mark.parametrize(
    ("estimate", "limit"), [(None, 10), (0.0, 10), (0.05, 10), (1.0, 100), (500.0, 1000)]
)
def test_cost_limit_follows_the_price_between_10_and_1000_dollars(
    estimate: float | None, limit: float
):
    assert succeeded(replace(DONE, cost=limit), estimate).cost == limit
    assert succeeded(replace(DONE, cost=limit + 0.01), estimate).cost is None


def test_excess_outputs_are_dropped_with_a_warning():
    outputs = tuple(Output(url=f"https://cdn.example/{n}") for n in range(70))
    checked = succeeded(Succeeded(outputs))
    assert checked.outputs == outputs[:64]
    assert checked.warnings == ("the provider returned 70 outputs; 64 are stored",)


@pytest.mark.parametrize(
    ("output", "named"),
    [
        (Output(url="https://cdn.example/" + "x" * 500_000), "URL must have at most 8192"),
        (Output(url="data:video/mp4;base64," + "A" * 9000), "URL must have at most 8192"),
        (Output(url="https://cdn.example/" + WIDE * 2100), "URL must have at most 8192 bytes"),
        (Output(url="/jobs/1", pointer="/" + WIDE * 2100), "pointer must have at most 8192 bytes"),
        (Output(url="/jobs/1", json_body={"name": WIDE * 12_500}), "at most 49152 bytes"),
        (Output(url="/jobs/1", pointer="/x" * 5000), "pointer must have at most 8192"),
        (Output(url="/jobs/1", json_body={"name": "x" * 50_000}), "at most 49152 bytes"),
    ],
)
def test_output_that_cannot_be_recorded_is_invalid(output: Output, named: str):
    with pytest.raises(InvalidOutput, match=named):
        limits.check_result(Succeeded((VIDEO, output)), None)


def test_all_outputs_together_are_bounded():
    outputs = tuple(Output(url=f"https://cdn.example/{n}/{'x' * 1000}") for n in range(60))
    with pytest.raises(InvalidOutput, match="must have at most 49152 bytes"):
        limits.check_result(Succeeded(outputs), None)


def test_overlong_content_type_is_dropped():
    output = VIDEO.model_copy(update={"content_type": "video/" + "x" * 500})
    assert succeeded(Succeeded((output,))).outputs == (VIDEO,)


@pytest.mark.parametrize(
    ("wait", "bounded"),
    [(None, None), (7.0, 7.0), (-1.0, None), (math.nan, None), (math.inf, MAX_RETRY_AFTER),
     (1e308, MAX_RETRY_AFTER)],
)  # fmt: skip
def test_wait_of_a_pending_job_is_bounded(wait: float | None, bounded: float | None):
    assert limits.check_result(Pending(wait_seconds=wait), None) == Pending(wait_seconds=bounded)


@pytest.mark.parametrize(("progress", "bounded"), [(None, None), (-5, 0), (40, 40), (10**30, 100)])
def test_progress_is_a_percentage(progress: int | None, bounded: int | None):
    assert limits.check_result(Pending(progress), None) == Pending(bounded)


def test_failure_is_cut_to_what_an_item_holds():
    error = JobError(code="c" * 500, message="m" * 100_000, upstream_code="u" * 100_000)
    assert limits.check_result(Failed(error), None) == Failed(error)
    assert len(error.model_dump_json()) < 1300


@pytest.mark.parametrize(
    ("operation", "named"),
    [
        ({"id": "x" * 5000}, "at most 4096 bytes"),
        ({"id": "1", "status": "/" + "x" * 2000, "result": "/" + "x" * 2100}, "at most 4096"),
        ({"id": ""}, "has an empty id"),
        ({"name": "", "model": "veo"}, "has an empty name"),
    ],
)
def test_unusable_handle_is_a_protocol_error(operation: dict[str, Any], named: str):
    with pytest.raises(UpstreamProtocolError, match=named):
        limits.check_submitted(Submitted(operation))
    with pytest.raises(UpstreamProtocolError, match=named):
        limits.check_lookup(Submitted(operation))


def test_usable_handle_is_kept_with_a_few_warnings():
    submitted = Submitted({"id": "1"}, ("slow",))
    assert limits.check_submitted(submitted) == submitted
    assert limits.check_lookup(submitted) == submitted
    assert limits.check_lookup(None) is None
    many = replace(submitted, warnings=("slow",) * 1000)
    assert len(limits.check_submitted(many).warnings) == limits.MAX_SUBMIT_WARNINGS


LONG_CALLS = [
    HttpCall("GET", "/" + "x" * 9000),
    HttpCall("POST", "/x", json={"name": "x" * 9000}),
    HttpCall("GET", "/" + WIDE * 2100),
]


@pytest.mark.parametrize("call", LONG_CALLS)
def test_call_built_from_a_reply_is_bounded(call: HttpCall):
    with pytest.raises(UpstreamProtocolError, match="at most 8192"):
        limits.check_poll(FetchResult(call), None)
    with pytest.raises(UpstreamProtocolError, match="at most 8192"):
        limits.check_lookup(NextPage(call))


def test_short_call_is_kept():
    call = HttpCall("GET", "/results/1")
    assert limits.check_poll(FetchResult(call), None) == FetchResult(call)
    assert limits.check_poll(DONE, None) == DONE
    assert limits.check_lookup(NextPage(call)) == NextPage(call)


def test_upload_url_is_bounded():
    assert limits.check_upload_url("https://a.example/x") == "https://a.example/x"
    with pytest.raises(UpstreamProtocolError, match="upload URL must have at most 8192"):
        limits.check_upload_url("https://a.example/" + "x" * 9000)


def test_upload_url_is_bounded_by_its_bytes():
    assert limits.check_upload_url("/" + WIDE * 2000) == "/" + WIDE * 2000
    with pytest.raises(UpstreamProtocolError, match=r"at most 8192 bytes \(got 8401\)"):
        limits.check_upload_url("/" + WIDE * 2100)


@pytest.mark.parametrize(
    "character", ["x", "\N{LATIN SMALL LETTER E WITH ACUTE}", WIDE, "\x01", '"']
)
def test_cut_text_is_as_long_as_its_bytes_allow(character: str):
    shortened = cut(character * 900, 500)
    assert character * 900 == shortened + character * (900 - len(shortened))
    assert len(shortened) == min(500, 1000 // (len(to_json(character)) - 2))
    assert cut(shortened, 500) == shortened
    assert len(to_json(cut("x" * 250 + character * 250, 500))) <= 1002
