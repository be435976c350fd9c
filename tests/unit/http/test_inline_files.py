"""Files that arrive inside JSON."""

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rushes.errors import DownloadInterrupted, InvalidOutput, UpstreamProtocolError
from rushes.http.inline_files import unpack
from rushes.json_pointer import find, resolve_pointer
from rushes.ports import HttpReply

FILM = b"\x00\x00\x00\x18ftypmp42" + bytes(range(256))
ENCODED = base64.b64encode(FILM).decode()
RFC_6901 = {
    "foo": ["bar", "baz"],
    "": 0,
    "a/b": 1,
    "c%d": 2,
    "e^f": 3,
    "g|h": 4,
    "i\\j": 5,
    'k"l': 6,
    " ": 7,
    "m~n": 8,
}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


def answer(value: object, status: int = 200) -> HttpReply:
    return HttpReply(status, {}, json.dumps(value).encode())


@pytest.mark.parametrize(
    ("pointer", "value"),
    [
        *(("", RFC_6901), ("/foo", ["bar", "baz"]), ("/foo/0", "bar"), ("/foo/1", "baz")),
        *(("/", 0), ("/a~1b", 1), ("/c%d", 2), ("/e^f", 3), ("/g|h", 4), ("/i\\j", 5)),
        *(('/k"l', 6), ("/ ", 7), ("/m~0n", 8)),
    ],
)
def test_pointers_mean_what_the_standard_says(pointer: str, value: object):
    assert resolve_pointer(RFC_6901, pointer) == value
    assert find(json.dumps(RFC_6901).encode(), pointer) == value


def test_an_escaped_tilde_before_a_one_is_no_slash():
    assert resolve_pointer({"~1": "tilde", "/": "slash"}, "/~01") == "tilde"


@pytest.mark.parametrize(
    "pointer",
    [
        *("/bar", "/foo/2", "/foo/-1", "/foo/-", "/foo/x", "/foo/", "/foo/0/0", "/a~1b/c"),
        *("/foo/1.0", "/foo/ 0", "//", "/~2"),
    ],
)
def test_where_nothing_is_nothing_is_found(pointer: str):
    assert resolve_pointer(RFC_6901, pointer) is None
    assert find(json.dumps(RFC_6901).encode(), pointer) is None


@given(JSON, st.lists(st.text(alphabet="01a-~", max_size=3)))
def test_any_ordinary_pointer_can_be_looked_up_in_anything(value: Any, steps: list[str]):
    resolve_pointer(value, "".join(f"/{step}" for step in steps))


@given(st.lists(st.text() | st.integers(min_value=0, max_value=3), max_size=4), JSON)
def test_a_written_pointer_leads_back_to_its_place(path: list[str | int], leaf: Any):
    value = leaf
    for step in reversed(path):
        value = {step: value} if isinstance(step, str) else [*range(step), value]
    escaped = [str(step).replace("~", "~0").replace("/", "~1") for step in path]
    assert resolve_pointer(value, "".join(f"/{step}" for step in escaped)) == leaf


@pytest.mark.parametrize("body", [b"", b"<html>", b'{"a": ', b"\xff", b'{"a": "\xff"}'])
def test_what_is_not_json_is_confused(body: bytes):
    with pytest.raises(UpstreamProtocolError, match="not JSON"):
        find(body, "/a")
    with pytest.raises(UpstreamProtocolError, match="not JSON"):
        unpack(HttpReply(200, {}, body), "/a")


@pytest.mark.parametrize(
    "written",
    [ENCODED, f"data:video/mp4;base64,{ENCODED}", f"data:;base64,{ENCODED}"],
    ids=["base64", "data URL", "data URL without a type"],
)
def test_a_file_is_taken_out_bare_or_from_a_data_url(written: str):
    assert unpack(answer({"videos": [{"bytes": written}]}), "/videos/0/bytes") == FILM


@pytest.mark.parametrize("value", [None, 5, True, [ENCODED], {"b64": ENCODED}])
def test_what_is_no_text_is_no_file(value: object):
    with pytest.raises(InvalidOutput, match="there is no file at /video"):
        unpack(answer({"video": value}), "/video")


@pytest.mark.parametrize("value", [{}, [], None, "x", 5, {"videos": []}])
def test_a_reply_without_the_file_is_a_bad_output(value: object):
    with pytest.raises(InvalidOutput, match="there is no file at /videos/0"):
        unpack(answer(value), "/videos/0")


@pytest.mark.parametrize(
    "written",
    ["AAA", "A===", "AA=A", "AAAA!", "AA AA", "AAAA\n", "-_-_", "\u00e9", "https://a.example/1"],
)
@pytest.mark.parametrize("before", ["", "data:video/mp4;base64,"])
def test_bad_base64_is_a_bad_output(before: str, written: str):
    with pytest.raises(InvalidOutput, match="at /video of the provider's reply is not base64"):
        unpack(answer({"video": before + written}), "/video")


@pytest.mark.parametrize("status", [201, 204, 302, 400, 401, 403, 404, 410, 429, 500, 503])
def test_a_refused_reply_is_worth_another_look(status: int):
    """Even where it holds what looks like the file."""
    with pytest.raises(DownloadInterrupted, match=f"the reply with the output was {status}"):
        unpack(answer({"video": ENCODED}, status), "/video")


def test_errors_do_not_repeat_what_the_provider_sent():
    secret = "TELL-TALE " * 1000
    for value in (secret, [secret]):
        with pytest.raises(InvalidOutput) as bad:
            unpack(answer({"video": value}), "/video")
        assert "TELL" not in bad.value.message
