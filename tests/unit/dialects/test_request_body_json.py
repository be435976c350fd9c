"""Tests of malformed JSON bodies: each is refused by field name, without side effects."""

import gzip
import json

import pytest

from rushes import json_parser
from tests.unit.dialects.api_client import FIELDS, Caller, Reply, assert_refused

DEEP = 100_000
LONG = "9" * 5000

NOT_JSON = [
    b"", b" ", b"\n", b"{", b"}", b"[", b"{]", b'{"prompt"}', b'{"prompt":}', b'{"prompt" "x"}',
    b'{"prompt": "x",}', b"{,}", b"{'prompt': 'x'}", b'{prompt: "x"}', b'{"prompt": x}',
    b'{"a":"x}',
    b'{"prompt": "x"} {}', b'{"prompt": "x"}]', b'{"prompt": "x"}\x00', b"\x00", b"\xff\xfe{}\x00",
    b"\xef\xbb\xbf", "{'a': 1}".encode("utf-16"), b"{\x0c}", b'{"a":"\x01"}',
    b'{"a":"\n"}', b'{"a":"\\x"}', b'{"a":"\\u12"}', b'{"a":"\\ud800"}', b'{"a":"\\udc00x"}',
    b'{"\\ud800":1}', b'{"a":"\\ud800\\ud800"}', b'{"a":"\xff"}', b'{"a":"\xc0\xaf"}',
    b'{"a":"\xed\xa0\x80"}', b'{"a":"\xf4\x90\x80\x80"}', b'{"a":01}', b'{"a":+1}', b'{"a":.5}',
    b'{"a":1.}', b'{"a":1e}', b'{"a":0x1}', b'{"a":1_0}', b'{"a":-}', b'{"a":NaN}', b'{"a":-NaN}',
    b'{"a":Infinity}', b'{"a":-Infinity}', b'{"a":True}', b'{"a":nul}', b'{"a":/**/1}',
    b'{"a":1}//',
    b"[" * DEEP, b'{"a":' * DEEP, b"[" * DEEP + b"]" * DEEP,
    b'{"a":' + b"[" * DEEP + b"]" * DEEP + b"}",
    b"prompt=x&model=sandbox/video", b"<prompt>x</prompt>", LONG.encode() + b",", b"\xa0{}",
]  # fmt: skip
NOT_OBJECTS = [b"null", b"true", b"0", b'"prompt"', b"[]", b'[{"prompt":"x"}]', b"1e5", b"[[]]"]


def create(caller: Caller, base: str, name: str, value: str) -> Reply:
    """Create a job with a field whose value is literal JSON."""
    fields = {field: default for field, default in FIELDS.items() if field != name}
    return caller.call("POST", base, json.dumps(fields)[:-1] + f', "{name}": {value}}}')


@pytest.mark.parametrize("body", [*NOT_JSON, *NOT_OBJECTS], ids=lambda body: repr(body[:24]))
@pytest.mark.parametrize("verb", ["", "/edits", "/job_1/remix"])
def test_read_fields_refuses_anything_but_a_json_object(
    caller: Caller, base: str, verb: str, body: bytes
):
    assert_refused(caller.call("POST", base + verb, body), base, 400, param="body")


@pytest.mark.parametrize(
    "number", [LONG, "-" + LONG, "9" * 4300, "1" + "0" * 19, "1e400", "-1e400"]
)
@pytest.mark.parametrize(
    ("name", "value"),
    [
        *dict.fromkeys(("seconds", "seed", "prompt", "guidance_scale"), "%s").items(),
        ("extras", '{"a": [{"b": %s}]}'),
        ("input_reference", '{"image_url": %s}'),
    ],
)
def test_read_fields_refuses_huge_number_anywhere(
    caller: Caller, base: str, name: str, value: str, number: str
):
    reply = create(caller, base, name, value % number)
    assert_refused(reply, base, 400)
    assert reply.param in (name, "body")


@pytest.mark.parametrize("number", ["9" * 19 + "9", LONG, "1e400", "nan", "inf", "4" + "0" * 5000])
def test_create_refuses_huge_number_as_text(caller: Caller, base: str, number: str):
    for name in ("seconds", "seed"):
        reply = caller.create(base, **{name: number})
        assert_refused(reply, base, 400, param=name)


@pytest.mark.parametrize("depth", [33, 199])
def test_read_fields_refuses_deep_nesting(caller: Caller, base: str, depth: int):
    reply = create(caller, base, "extras", "[" * depth + "]" * depth)
    assert_refused(reply, base, 400, param="extras")


def test_read_fields_accepts_32_levels(caller: Caller, base: str):
    assert create(caller, base, "extras", "[" * 32 + "]" * 32).status == 200


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"prompt": "a\0cat"}, "prompt"),
        ({"model": "sandbox/video\0"}, "model"),
        ({"negative_prompt": "\0"}, "negative_prompt"),
        ({"extras": {"url": ["\0"]}}, "extras"),
        ({"extras": {"\0": 1}}, "extras"),
        ({"a\0b": 1}, "a\0b"),
    ],
)
def test_read_fields_refuses_nul_anywhere(
    caller: Caller, base: str, fields: dict[str, object], param: str
):
    assert_refused(caller.create(base, **fields), base, 400, param=param)


@pytest.mark.parametrize(
    ("members", "param"),
    [
        ('"prompt": "a", "prompt": "b"', "prompt"),
        ('"prompt": "a", "\\u0070rompt": "a"', "prompt"),
        ('"prompt": "a", "extras": {"url": 1, "url": 1}', "url"),
        ('"prompt": "a", "extras": [[{"x": 1, "y": 2, "x": 3}]]', "x"),
    ],
)
def test_read_fields_refuses_duplicate_name(caller: Caller, base: str, members: str, param: str):
    reply = caller.call("POST", base, f'{{"model": "sandbox/video", {members}}}')
    assert_refused(reply, base, 400, param=param)


@pytest.mark.parametrize(
    "content_type",
    [
        "text/html", "application/xml", "application/json5", "text/javascript",
        "application/octet-stream", "multipart/mixed; boundary=x", "multipart/byteranges",
        "application/jsonx", "json", "*/*", "x" * 5000, "\u00e9", "; charset=utf-8, x",
        "application/json, application/json",
    ],
)  # fmt: skip
def test_read_fields_refuses_other_content_types(caller: Caller, base: str, content_type: str):
    reply = caller.call("POST", base, FIELDS, {"content-type": content_type})
    if content_type.startswith(";"):
        assert reply.status == 200  # an absent type is JSON
        return
    assert_refused(reply, base, 400, param="content-type")


def test_read_fields_refuses_compressed_body(caller: Caller, base: str):
    body = gzip.compress(json.dumps(FIELDS).encode())
    reply = caller.call("POST", base, body, {"content-encoding": "gzip"})
    assert_refused(reply, base, 400, param="content-encoding")


def test_read_fields_refuses_body_above_10_mib(caller: Caller, base: str):
    reply = caller.call("POST", base, b'{"prompt":"' + b"x" * 10 * 1024 * 1024 + b'"}')
    assert_refused(reply, base, 413)


def test_create_refuses_option_above_the_size_limit(caller: Caller, base: str):
    assert_refused(caller.create(base, extras=[0] * 100_000), base, 413)


@pytest.mark.parametrize(
    "prompt", ["\ufeff", "\u202e", "\U0001f600", "\x7f", "'; DROP TABLE --", "{{7*7}}"]
)
def test_create_keeps_unusual_prompt_unchanged(caller: Caller, base: str, prompt: str):
    reply = caller.create(base, prompt=prompt)
    assert (reply.status, reply.json["prompt"]) == (200, prompt)


TOO_MANY = 200_001
FLOODS = {
    "numbers": "[" + "1," * TOO_MANY + "1]",
    "lists": "[" + "[]," * TOO_MANY + "[]]",
    "objects": "[" + "{}," * TOO_MANY + "{}]",
    "texts": "[" + '"",' * TOO_MANY + '""]',
    "depth": "[" * TOO_MANY,
    "members": "{" + ",".join(f'"{number}":0' for number in range(TOO_MANY)) + "}",
}


@pytest.mark.parametrize("flood", FLOODS)
@pytest.mark.parametrize("field", ["fallbacks", "extras", "prompt", "webhook", "unknown"])
def test_read_fields_refuses_too_many_values_before_they_are_parsed(
    caller: Caller, base: str, monkeypatch: pytest.MonkeyPatch, field: str, flood: str
):
    monkeypatch.setattr(json_parser, "from_json", None)
    reply = create(caller, base, field, FLOODS[flood])
    assert_refused(reply, base, 400, param="body")
    assert "body must have at most 200000 values" in reply.text


def test_read_fields_parses_as_many_values_as_the_size_limit_allows(caller: Caller, base: str):
    """The text could hold as many values: it is parsed, and its length is refused."""
    text = "x," * (95 * 1024)
    reply = create(caller, base, "extras", json.dumps(text))
    assert_refused(reply, base, 400, param="extras")
    assert f"extras must have at most 10000 characters (got {len(text)})" in reply.text


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("extras", "%s"), ("extras", "[[%s]]"), ("webhook", "%s"), ("fallbacks", "[%s]")),
        *(("input_reference", "%s"), ("unknown", "%s")),
    ],
)
def test_read_fields_refuses_an_object_of_more_than_1000_members(
    caller: Caller, base: str, name: str, value: str
):
    members = {f"name-{number}": number for number in range(1001)}
    reply = create(caller, base, name, value % json.dumps(members))
    assert_refused(reply, base, 400, param=name)
    assert f"{name} must have at most 1000 members (got 1001)" in reply.text


def test_read_fields_refuses_a_body_of_more_than_1000_fields(caller: Caller, base: str):
    reply = caller.create(base, **{f"name-{number}": number for number in range(1000)})
    assert_refused(reply, base, 400, param="body")


def test_create_reports_one_of_many_unknown_fields(caller: Caller, base: str):
    fallback = {"provider": "openai", "model": "plain"}
    unknown = {f"{number}-{'n' * 300}": 1 for number in range(900)}
    reply = caller.create(base, fallbacks=[{**fallback, **unknown}])
    assert_refused(reply, base, 400, param=f"fallbacks.0.0-{'n' * 78}"[:80])
    assert len(reply.text) < 500


@pytest.mark.parametrize("member", [1, {}, None, "x", {"provider": "openai", "model": "plain"}])
def test_create_refuses_a_long_list_of_fallbacks(caller: Caller, base: str, member: object):
    reply = caller.create(base, fallbacks=[member] * 1000)
    assert_refused(reply, base, 400)
    assert str(reply.param).startswith("fallbacks")
