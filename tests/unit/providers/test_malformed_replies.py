"""Every adapter turns every reply into a result or an `UpstreamError`, never another exception.

Replies are arbitrary bytes, arbitrary JSON, and transcripts with one value replaced.
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
from rushes.ports.http import HttpReply
from rushes.providers import adapter, base
from tests.contract.test_transcripts import FILES, Transcript, entry_of, step_of

TRANSCRIPTS = {path: json.loads(path.read_text()) for path in FILES}
PARSED = [path for path, transcript in TRANSCRIPTS.items() if transcript["step"] != "cancel"]
STATUSES = st.sampled_from([200, 201, 202, 204, 206, 299, 300, 302, 400, 404, 409, 422, 429, 503])
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
    if isinstance(result, base.Succeeded):
        assert isfinite(result.cost or 0)


@pytest.mark.parametrize("file", PARSED, ids=lambda file: f"{file.parent.name}/{file.stem}")
@settings(max_examples=12, deadline=None)
@given(data=st.data())
def test_reply_is_parsed_or_raises_upstream_error(file: Path, data: st.DataObject) -> None:
    transcript = TRANSCRIPTS[file]
    good = transcript["reply"]["body"]
    status = data.draw(STATUSES | st.just(transcript["reply"]["status"]))
    reply = HttpReply(status, transcript["reply"]["headers"], data.draw(bodies(good)))
    result = parsed(transcript, file.parent.name, reply)
    check_numbers(result)
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
        assert provider.poll_request(result.operation).path.startswith("/")
        if isinstance(provider, base.SupportsCancel):
            assert provider.cancel_request(result.operation).path.startswith("/")


@pytest.mark.parametrize("file", PARSED, ids=lambda file: f"{file.parent.name}/{file.stem}")
def test_huge_numbers_are_clamped_or_raise_upstream_error(file: Path) -> None:
    transcript, body = TRANSCRIPTS[file], TRANSCRIPTS[file]["reply"]["body"]
    numbers = [path for path, value in paths(body) if isinstance(value, int | float)]
    for path in numbers:
        for huge in HUGE:
            content = json.dumps(replaced(body, path, huge)).encode()
            reply = HttpReply(transcript["reply"]["status"], {}, content)
            check_numbers(parsed(transcript, file.parent.name, reply))
