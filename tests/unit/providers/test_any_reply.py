"""Whatever a provider answers is an answer or nonsense by name, never an exception of another kind.

Replies are arbitrary bytes, arbitrary JSON, and what the transcripts have with one place spoilt.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rushes.errors import UpstreamError
from rushes.ports import HttpReply
from rushes.providers import adapter
from rushes.providers.base import (
    Cancels,
    Failed,
    FetchResult,
    HasResultCall,
    Pending,
    Submitted,
    Succeeded,
    SupportsLookup,
)
from tests.contract.test_transcripts import FILES, Transcript, entry_of, job_of

STEPS = ("submit", "poll", "result", "find")
TRANSCRIPTS = {path: json.loads(path.read_text()) for path in FILES}
EACH = [path for path, it in TRANSCRIPTS.items() if it["step"] in STEPS]
STATUSES = st.sampled_from([200, 201, 202, 204, 206, 299, 300, 302, 400, 404, 409, 422, 429, 503])
ODD: list[Any] = [
    *(None, True, False, 0, -1, 1e308, 10**400, "", "x" * 5000, "\ud800", "\x00", [], {}),
    *([[]], {"": None}, "https://[", "//", "../../x", "https://a.example/b?c#d", "data:,"),
]
PLAIN = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
JSON = st.recursive(
    PLAIN,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner),
    max_leaves=6,
)


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    if isinstance(value, dict | list):
        for name, inner in value.items() if isinstance(value, dict) else enumerate(value):
            yield from places(inner, (*path, name))


def spoilt(value: Any, path: tuple[Any, ...], odd: Any) -> Any:
    """The value with something else at that place."""
    if not path:
        return odd
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = spoilt(value[path[0]], path[1:], odd)
    return copy


@st.composite
def bodies(draw: st.DrawFn, good: Any) -> bytes:
    kind = draw(st.sampled_from(["bytes", "json", "cut", "spoilt", "spoilt", "spoilt"]))
    if kind == "bytes":
        return draw(st.binary(max_size=40))
    if kind == "json":
        return json.dumps(draw(JSON)).encode()
    if kind == "cut":
        whole = json.dumps(good).encode()
        return whole[: draw(st.integers(0, len(whole)))]
    place = draw(st.sampled_from(list(places(good))))
    return json.dumps(spoilt(good, place, draw(st.sampled_from(ODD) | JSON))).encode()


def understood(transcript: Transcript, kind: str, reply: HttpReply) -> object:
    """What the adapter takes the reply for; an error where it makes no sense to it."""
    try:
        return _taken(transcript, kind, reply)
    except UpstreamError as error:
        return error


def _taken(transcript: Transcript, kind: str, reply: HttpReply) -> object:
    provider = adapter(entry_of(kind, transcript))
    match transcript["step"]:
        case "submit":
            return provider.submitted(reply)
        case "find":
            return cast("SupportsLookup", provider).found(job_of(transcript), reply)
        case "poll":
            return provider.polled(transcript["operation"], reply)
        case _:
            return cast("HasResultCall", provider).parse_result(transcript["operation"], reply)


@pytest.mark.parametrize("file", EACH, ids=lambda it: f"{it.parent.name}/{it.stem}")
@settings(max_examples=12, deadline=None)
@given(data=st.data())
def test_it_is_an_answer_or_nonsense_by_name(file: Path, data: st.DataObject) -> None:
    transcript = TRANSCRIPTS[file]
    good = transcript["reply"]["body"]
    status = data.draw(STATUSES | st.just(transcript["reply"]["status"]))
    reply = HttpReply(status, transcript["reply"]["headers"], data.draw(bodies(good)))
    meaning = understood(transcript, file.parent.name, reply)
    if isinstance(meaning, UpstreamError):
        assert meaning.error_code.isidentifier()
        assert len(meaning.message) < 1000
        return
    assert isinstance(meaning, Submitted | Pending | Succeeded | Failed | FetchResult | None)
    if isinstance(meaning, Submitted):
        json.dumps(meaning.operation, allow_nan=False)
        provider = adapter(entry_of(file.parent.name, transcript))
        assert provider.poll(meaning.operation).path.startswith("/")
        if isinstance(provider, Cancels):
            assert provider.cancel(meaning.operation).path.startswith("/")
    if isinstance(meaning, Pending) and meaning.progress is not None:
        assert isinstance(meaning.progress, int)
