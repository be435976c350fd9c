import base64
import json
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rushes.errors import DownloadInterrupted, InvalidOutput, UpstreamProtocolError
from rushes.http.inline_files import unpack
from rushes.json_pointer import resolve_in_json, resolve_pointer
from rushes.ports.http import HttpReply

VIDEO = b"\x00\x00\x00\x18ftypmp42" + bytes(range(256))
ENCODED = base64.b64encode(VIDEO).decode()
NAMES = ("", "a/b", "c%d", "e^f", "g|h", "i\\j", 'k"l', " ", "m~n")
RFC_6901 = {"foo": ["bar", "baz"], **{name: number for number, name in enumerate(NAMES)}}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


def json_reply(value: object, status: int = 200) -> HttpReply:
    return HttpReply(status, {}, json.dumps(value).encode())


@pytest.mark.parametrize(
    ("pointer", "value"),
    [
        *(("", RFC_6901), ("/foo", ["bar", "baz"]), ("/foo/0", "bar"), ("/foo/1", "baz")),
        *(("/", 0), ("/a~1b", 1), ("/c%d", 2), ("/e^f", 3), ("/g|h", 4), ("/i\\j", 5)),
        *(('/k"l', 6), ("/ ", 7), ("/m~0n", 8)),
    ],
)
def test_find_follows_rfc_6901(pointer: str, value: object):
    assert resolve_pointer(RFC_6901, pointer) == value
    assert resolve_in_json(json.dumps(RFC_6901).encode(), pointer) == value


def test_resolve_pointer_unescapes_tilde_last():
    assert resolve_pointer({"~1": "tilde", "/": "slash"}, "/~01") == "tilde"


@pytest.mark.parametrize(
    "pointer",
    [
        *("/bar", "/foo/2", "/foo/-1", "/foo/-", "/foo/x", "/foo/", "/foo/0/0", "/a~1b/c"),
        *("/foo/1.0", "/foo/ 0", "//", "/~2"),
    ],
)
def test_find_returns_none_for_a_missing_value(pointer: str):
    assert resolve_pointer(RFC_6901, pointer) is None
    assert resolve_in_json(json.dumps(RFC_6901).encode(), pointer) is None


@given(JSON, st.lists(st.text(alphabet="01a-~", max_size=3)))
def test_resolve_pointer_accepts_any_value(value: Any, steps: list[str]):
    resolve_pointer(value, "".join(f"/{step}" for step in steps))


@given(st.lists(st.text() | st.integers(min_value=0, max_value=3), max_size=4), JSON)
def test_resolve_pointer_finds_every_escaped_path(path: list[str | int], leaf: Any):
    value = leaf
    for step in reversed(path):
        value = {step: value} if isinstance(step, str) else [*range(step), value]
    escaped = [str(step).replace("~", "~0").replace("/", "~1") for step in path]
    assert resolve_pointer(value, "".join(f"/{step}" for step in escaped)) == leaf


@pytest.mark.parametrize("body", [b"", b"<html>", b'{"a": ', b"\xff", b'{"a": "\xff"}'])
def test_unpack_refuses_invalid_json(body: bytes):
    with pytest.raises(UpstreamProtocolError, match="not JSON"):
        resolve_in_json(body, "/a")
    with pytest.raises(UpstreamProtocolError, match="not JSON"):
        unpack(HttpReply(200, {}, body), "/a")


@pytest.mark.parametrize(
    "text",
    [ENCODED, f"data:video/mp4;base64,{ENCODED}", f"data:;base64,{ENCODED}"],
    ids=["base64", "data URL", "data URL without a type"],
)
def test_unpack_decodes_base64_and_data_urls(text: str):
    assert unpack(json_reply({"videos": [{"bytes": text}]}), "/videos/0/bytes") == VIDEO


@pytest.mark.parametrize("value", [None, 5, True, [ENCODED], {"b64": ENCODED}])
def test_unpack_refuses_a_value_that_is_not_text(value: object):
    with pytest.raises(InvalidOutput, match="no file at /video"):
        unpack(json_reply({"video": value}), "/video")


@pytest.mark.parametrize("value", [{}, [], None, "x", 5, {"videos": []}])
def test_unpack_refuses_a_reply_without_the_file(value: object):
    with pytest.raises(InvalidOutput, match="no file at /videos/0"):
        unpack(json_reply(value), "/videos/0")


@pytest.mark.parametrize(
    "text",
    ["A", "A===", "AA=A", "AAAA!", "AAAAA", "-_+/", "AAA\x00", "\u00e9", "https://a.example/1"],
)
@pytest.mark.parametrize("before", ["", "data:video/mp4;base64,"])
def test_unpack_refuses_invalid_base64(before: str, text: str):
    with pytest.raises(InvalidOutput, match="has no base64 at /video"):
        unpack(json_reply({"video": before + text}), "/video")


BYTES = bytes(range(256)) * 3
STANDARD, URL_SAFE = base64.b64encode(BYTES).decode(), base64.urlsafe_b64encode(BYTES).decode()
LEGAL_FORMS = {
    "lines of MIME": base64.encodebytes(BYTES).decode(),
    "lines with CRLF": "\r\n".join(STANDARD[n : n + 64] for n in range(0, len(STANDARD), 64)),
    "url-safe alphabet": URL_SAFE,
    "url-safe without padding": URL_SAFE.rstrip("="),
    "no padding": STANDARD.rstrip("="),
    "spaces and tabs": f"  {STANDARD[:8]} \t{STANDARD[8:]}\n",
    "data URL": f"data:video/mp4;base64,{STANDARD}",
    "data URL in upper case": f"DATA:VIDEO/MP4;BASE64,{STANDARD}",
    "data URL with parameters": f"data:video/mp4; codecs=avc1;base64,{URL_SAFE}",
    "data URL with codecs": f"data:video/webm;codecs=vp8,opus;base64,{STANDARD}",
    "data URL with quoted codecs": f'data:video/mp4;codecs="a, b"; base64,{STANDARD}',
    "data URL with lines": f"data:video/mp4;base64,\n{base64.encodebytes(BYTES).decode()}",
    "data URL, percent-encoded base64": f"data:;base64,{quote(STANDARD, safe='')}",
    "data URL, percent-encoded": f"data:application/octet-stream,{quote(BYTES)}",
}


@pytest.mark.parametrize("form", LEGAL_FORMS)
def test_unpack_decodes_each_legal_form(form: str):
    assert unpack(json_reply({"video": LEGAL_FORMS[form]}), "/video") == BYTES


@pytest.mark.parametrize("status", [200, 201, 203])
def test_unpack_accepts_statuses_with_a_whole_reply(status: int):
    assert unpack(json_reply({"video": STANDARD}, status), "/video") == BYTES


@pytest.mark.parametrize("status", [202, 204, 302, 400, 401, 403, 404, 410, 429, 500, 503])
def test_unpack_of_an_error_status_raises_interrupted(status: int):
    """The status counts even if the reply contains base64."""
    with pytest.raises(DownloadInterrupted, match=f"the reply with the output had status {status}"):
        unpack(json_reply({"video": ENCODED}, status), "/video")


def test_unpack_errors_do_not_quote_the_reply():
    secret = "TELL-TALE! " * 1000
    for value in (secret, [secret]):
        with pytest.raises(InvalidOutput) as bad:
            unpack(json_reply({"video": value}), "/video")
        assert "TELL" not in bad.value.message
