"""Property tests: every request has a JSON response below status 500."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.unit.dialects.api_client import BASES, FIELDS, Caller, Texts, form

bounded = settings(
    max_examples=200,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)

UNUSUAL: tuple[Any, ...] = (
    "", "4", "1280x720", "sandbox/video", "data:image/png;base64,", "data:;base64,\u00e9",
    "data:image/png;base64,iVBORw0KGgo=", "http://[", "http://a.example/\u00e9", "%", "[]", "{}",
    "\x00", "\x7f", "\ufffe", "\u0661", "1e400", "NaN", "-0", "9" * 400, None, True, 0, -1, 1e400,
    10**400, 0.1, [], {}, [[]], {"id": ""}, {"id": "%"}, {"image_url": ""}, {"file_id": 1},
)  # fmt: skip
FIELD_NAMES = (*FIELDS, "input_reference", "seed", "audio", "negative_prompt", "video", "webhook")
texts = st.text(st.characters(codec="utf-8"), max_size=30) | st.sampled_from(
    [value for value in UNUSUAL if isinstance(value, str)]
)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=8,
)
names = texts | st.sampled_from(FIELD_NAMES)
objects = st.dictionaries(names, values, max_size=6)
CONTENT_TYPES = ("application/json", "multipart/form-data; boundary=limit")
HEADER_NAMES = ("authorization", "x-api-key", "x-bf-vk", "content-type", "content-encoding")
headers = st.dictionaries(
    st.sampled_from([*HEADER_NAMES, "X-Api-Key"]),
    texts | st.sampled_from([CONTENT_TYPES[1], "Basic YTpi", "Bearer x", "gzip"]),
)
tails = st.sampled_from(["", "/edits", "/extensions", "/job_1", "/job_1/content", "/job_1/remix"])
paths = st.builds(str.__add__, st.sampled_from(BASES), tails) | st.text(max_size=30)
methods = st.sampled_from(["GET", "POST", "POST", "DELETE", "PUT", "HEAD"])


def check(reply: Any, method: str = "POST") -> None:
    assert reply.status < 500, reply
    if method == "HEAD":
        assert reply.text == ""
    elif reply.status != 302:
        assert reply.headers["content-type"] == "application/json"
        assert ("error" in reply.json) is (reply.status >= 400) or "status" in reply.json


@bounded
@given(
    method=methods,
    path=paths,
    body=st.binary(max_size=60) | objects,
    headers=headers,
    query=st.dictionaries(st.sampled_from(["limit", "after", "order", "provider", "x"]), texts),
)
def test_any_request_is_answered(
    caller: Caller, method: str, path: str, body: Any, headers: Texts, query: Texts
):
    check(caller.call(method, path, body, headers, query), method)


@bounded
@given(base=st.sampled_from(BASES), changes=objects)
def test_any_object_is_answered(caller: Caller, base: str, changes: dict[str, Any]):
    check(caller.call("POST", base, {**FIELDS, **changes}))


@bounded
@given(
    base=st.sampled_from(BASES),
    parts=st.lists(
        st.tuples(names, texts)
        | st.tuples(names, st.just("image/png"), st.binary(max_size=20))
        | st.tuples(st.builds("{}[{}]".format, names, texts), texts),
        max_size=6,
    ),
)
def test_any_form_is_answered(caller: Caller, base: str, parts: Any):
    check(caller.form(base, *FIELDS.items(), *parts))


@bounded
@given(
    base=st.sampled_from(BASES),
    whole=st.sampled_from([json.dumps(FIELDS).encode(), form([*FIELDS.items()])]),
    place=st.integers(0, 400),
    length=st.integers(0, 5),
    noise=st.binary(max_size=5),
)
def test_any_corrupted_body_is_answered(
    caller: Caller, base: str, whole: bytes, place: int, length: int, noise: bytes
):  # fmt: skip
    body = whole[:place] + noise + whole[place + length :]
    content_type = CONTENT_TYPES[0] if whole.startswith(b"{") else CONTENT_TYPES[1]
    check(caller.call("POST", base, body, {"content-type": content_type}))


@pytest.mark.parametrize("encode", [str.encode, lambda text: text.encode("utf-16"), repr])
@pytest.mark.parametrize("text", ["\ufffe", "{}" * 100, "\r\n" * 100, "--limit" * 100])
def test_any_encoding_is_answered(
    caller: Caller, base: str, encode: Callable[[str], Any], text: str
):
    for content_type in CONTENT_TYPES:
        check(caller.call("POST", base, encode(text), {"content-type": content_type}))


@pytest.mark.parametrize("value", UNUSUAL, ids=lambda value: repr(value)[:30])
def test_any_unusual_value_in_any_field_is_answered(caller: Caller, base: str, value: Any):
    for name in FIELD_NAMES:
        check(caller.create(base, **{name: value}))
        edit = {"prompt": "x", "video": {"id": "x"}, name: value}
        check(caller.call("POST", f"{base}/edits", edit))
        text, file = str(value), ("image/png", str(value).encode())
        others = [(field, default) for field, default in FIELDS.items() if field != name]
        for part in ((name, text), (f"{name}[a]", text), (name, *file), (f"{name}[]", *file)):
            check(caller.form(base, *others, part))
