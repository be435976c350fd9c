"""Every adapter turns every reply into a result or an `UpstreamError`, never another exception.

Replies are arbitrary bytes, arbitrary JSON, and transcripts with one value replaced, with arbitrary
statuses and headers. What passes the limits can be stored.
"""

import json
from collections.abc import Iterator
from math import isfinite
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rushes.errors import UpstreamError
from rushes.header_values import MAX_RETRY_AFTER
from rushes.ports.http import HttpCall, HttpReply
from rushes.providers import adapter, base, limits
from tests.contract.test_transcripts import FILES, Transcript, entry_of, step_of

TRANSCRIPTS = {path: json.loads(path.read_text()) for path in FILES}
PARSED = [path for path, transcript in TRANSCRIPTS.items() if transcript["step"] != "cancel"]
STATUSES = st.sampled_from([200, 201, 202, 204, 206, 299, 300, 302, 400, 404, 409, 422, 429, 503])
ANY_STATUS = STATUSES | st.integers(100, 999)
HEADER_VALUES = st.text(max_size=60) | st.sampled_from(
    [
        *("1e9", "inf", "-5", "٣٠", "²", "9" * 5000, str(10**400), "1, 2"),
        "Fri, 15 Jan 99999999999999999999 08:10:00 GMT",
        "Fri, 15 Jan 2027 08:10:00 +99999999999999999999",
        f"Fri, 15 Jan {'9' * 5000} 08:10:00 GMT",
        "x" * 100_000,
    ]
)
HEADERS = st.dictionaries(
    st.sampled_from(["retry-after", "date", "x-fal-error-type", "content-type", "content-length"]),
    HEADER_VALUES,
)
HUGE = (1e308, -1e308, 10**400, -(10**400))
ODD: list[Any] = [
    *(None, True, False, 0, -1, *HUGE, "", "x" * 5000, "\ud800", "\x00", [], {}),
    *([[]], {"": None}, "https://[", "//", "../../x", "https://a.example/b?c#d", "data:,"),
]
PLAIN = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
JSON = st.recursive(
    PLAIN,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner),
    max_leaves=6,
)


def paths(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], Any]]:
    yield path, value
    if isinstance(value, dict | list):
        for name, inner in value.items() if isinstance(value, dict) else enumerate(value):
            yield from paths(inner, (*path, name))


def replaced(value: Any, path: tuple[Any, ...], odd: Any) -> Any:
    if not path:
        return odd
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = replaced(value[path[0]], path[1:], odd)
    return copy


@st.composite
def bodies(draw: st.DrawFn, good: Any) -> bytes:
    kind = draw(st.sampled_from(["bytes", "json", "cut", "replaced", "replaced", "replaced"]))
    if kind == "bytes":
        return draw(st.binary(max_size=40))
    if kind == "json":
        return json.dumps(draw(JSON)).encode()
    if kind == "cut":
        whole = json.dumps(good).encode()
        return whole[: draw(st.integers(0, len(whole)))]
    path, _ = draw(st.sampled_from(list(paths(good))))
    return json.dumps(replaced(good, path, draw(st.sampled_from(ODD) | JSON))).encode()


def parsed(transcript: Transcript, protocol: str, reply: HttpReply) -> object:
    """Return the parsed reply, or the `UpstreamError`."""
    _, parse = step_of(adapter(entry_of(protocol, transcript)), transcript)
    assert parse
    try:
        return parse(reply)
    except UpstreamError as error:
        return error


def check_numbers(result: object) -> None:
    if isinstance(result, base.Pending):
        assert isinstance(result.progress, int | None)
        assert 0 <= (result.progress or 0) <= 100
        assert isfinite(result.wait_seconds or 0)


def bounded(result: object) -> object:
    """Apply the limits as the workflow does."""
    try:
        if isinstance(result, base.Submitted | base.NextPage):
            return limits.check_lookup(result)
        if isinstance(result, base.Pending | base.Succeeded | base.Failed | base.FetchResult):
            return limits.check_poll(result, 0.4)
    except UpstreamError as error:
        return error
    return result


def check_limits(result: object) -> None:
    if isinstance(result, base.Submitted):
        assert len(json.dumps(result.operation, allow_nan=False)) <= 8 * limits.MAX_OPERATION_BYTES
    if isinstance(result, base.Pending):
        assert 0 <= (result.wait_seconds or 0) <= MAX_RETRY_AFTER
    if isinstance(result, base.Succeeded):
        assert 0 <= (result.cost or 0) <= limits.max_cost(0.4)
        assert len(result.outputs) <= limits.MAX_OUTPUTS
    if isinstance(result, base.Failed):
        assert len(result.error.model_dump_json()) < 8000


@pytest.mark.parametrize("file", PARSED, ids=lambda file: f"{file.parent.name}/{file.stem}")
@settings(max_examples=12, deadline=None)
@given(data=st.data())
def test_reply_is_parsed_or_raises_upstream_error(file: Path, data: st.DataObject) -> None:
    transcript = TRANSCRIPTS[file]
    good = transcript["reply"]["body"]
    status = data.draw(ANY_STATUS | st.just(transcript["reply"]["status"]))
    headers = {**transcript["reply"]["headers"], **data.draw(HEADERS)}
    reply = HttpReply(status, headers, data.draw(bodies(good)))
    result = parsed(transcript, file.parent.name, reply)
    check_numbers(result)
    result = bounded(result)
    check_limits(result)
    if isinstance(result, UpstreamError):
        assert result.error_code.isidentifier()
        assert len(result.message) < 1000
        return
    assert isinstance(
        result,
        base.Submitted
        | base.Pending
        | base.Succeeded
        | base.Failed
        | base.FetchResult
        | base.NextPage
        | None,
    )
    if isinstance(result, base.Submitted):
        json.dumps(result.operation, allow_nan=False)
        provider = adapter(entry_of(file.parent.name, transcript))
        operation = result.operation
        if provider.profile.operation_has_path:  # as `base.parse_submitted` adds it
            operation = {**operation, "path": transcript["call"]["path"]}
        assert is_request(provider.poll_request(operation))
        if isinstance(provider, base.SupportsCancel):
            call = provider.cancel_request(operation)
            assert call is None or is_request(call)


def is_request(call: HttpCall) -> bool:
    """Whether the request has a path, or a reference that only the HTTP client resolves."""
    return call.path.startswith("/") or call.relative_to is not None


@pytest.mark.parametrize("file", PARSED, ids=lambda file: f"{file.parent.name}/{file.stem}")
def test_huge_numbers_are_clamped_or_raise_upstream_error(file: Path) -> None:
    transcript, body = TRANSCRIPTS[file], TRANSCRIPTS[file]["reply"]["body"]
    numbers = [path for path, value in paths(body) if isinstance(value, int | float)]
    for path in numbers:
        for huge in HUGE:
            content = json.dumps(replaced(body, path, huge)).encode()
            reply = HttpReply(transcript["reply"]["status"], {}, content)
            result = parsed(transcript, file.parent.name, reply)
            check_numbers(result)
            check_limits(bounded(result))


@pytest.mark.parametrize("file", PARSED, ids=lambda file: f"{file.parent.name}/{file.stem}")
def test_integers_of_thousands_of_digits_raise_upstream_error_at_most(file: Path) -> None:
    transcript, body = TRANSCRIPTS[file], TRANSCRIPTS[file]["reply"]["body"]
    for path, _ in paths(body):
        content = json.dumps(replaced(body, path, "DIGITS")).replace('"DIGITS"', "9" * 5000)
        reply = HttpReply(transcript["reply"]["status"], {}, content.encode())
        check_limits(bounded(parsed(transcript, file.parent.name, reply)))
