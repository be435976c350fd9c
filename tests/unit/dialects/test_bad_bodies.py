"""Bodies that nobody should send: each is refused by name, and nothing is left behind."""

import gzip
import json

import pytest

from tests.unit.dialects.api_client import FIELDS, Caller, assert_refused

DEEP = 100_000
LONG = "9" * 5000

NOT_JSON = [
    b"", b" ", b"\n", b"{", b"}", b"[", b"{]", b'{"prompt"}', b'{"prompt":}', b'{"prompt" "x"}',
    b'{"prompt": "x",}', b"{,}", b"{'prompt': 'x'}", b'{prompt: "x"}', b'{"prompt": x}',
    b'{"a":"x}',
    b'{"prompt": "x"} {}', b'{"prompt": "x"}]', b'{"prompt": "x"}\x00', b"\x00", b"\xff\xfe{}\x00",
    b'\xef\xbb\xbf{"prompt": "x"}', '{"prompt": "x"}'.encode("utf-16"), b"{\x0c}", b'{"a":"\x01"}',
    b'{"a":"\n"}', b'{"a":"\\x"}', b'{"a":"\\u12"}', b'{"a":"\\ud800"}', b'{"a":"\\udc00x"}',
    b'{"\\ud800":1}', b'{"a":"\\ud800\\ud800"}', b'{"a":"\xff"}', b'{"a":"\xc0\xaf"}',
    b'{"a":"\xed\xa0\x80"}', b'{"a":"\xf4\x90\x80\x80"}', b'{"a":01}', b'{"a":+1}', b'{"a":.5}',
    b'{"a":1.}', b'{"a":1e}', b'{"a":0x1}', b'{"a":1_0}', b'{"a":-}', b'{"a":NaN}', b'{"a":-NaN}',
    b'{"a":Infinity}', b'{"a":-Infinity}', b'{"a":True}', b'{"a":nul}', b'{"a":/**/1}',
    b'{"a":1}//',
    b"[" * DEEP, b'{"a":' * DEEP, b"[" * DEEP + b"]" * DEEP,
    b'{"a":' + b"[" * DEEP + b"]" * DEEP + b"}",
    b"prompt=x&model=sandbox/film", b"<prompt>x</prompt>", LONG.encode() + b",", b"\xa0{}",
]  # fmt: skip
NOT_OBJECTS = [b"null", b"true", b"0", b'"prompt"', b"[]", b'[{"prompt":"x"}]', b"1e5", b"[[]]"]


@pytest.mark.parametrize("body", [*NOT_JSON, *NOT_OBJECTS], ids=lambda body: repr(body[:24]))
@pytest.mark.parametrize("verb", ["", "/edits", "/job_1/remix"])
def test_what_is_no_json_object_is_refused(caller: Caller, base: str, verb: str, body: bytes):
    reply = caller.call("POST", base + verb, body)
    assert_refused(reply, base, 400)
    assert reply.param == "body"
    assert caller.traces() == ({}, {}, {})


@pytest.mark.parametrize(
    "number", [LONG, "-" + LONG, "9" * 4300, "1" + "0" * 19, "1e400", "-1e400"]
)
@pytest.mark.parametrize(
    "place",
    [
        ("seconds", '"seconds": %s'),
        ("seed", '"seed": %s'),
        ("prompt", '"prompt": %s'),
        ("guidance_scale", '"guidance_scale": %s'),
        ("extras", '"extras": {"a": [{"b": %s}]}'),
        ("input_reference", '"input_reference": {"image_url": %s}'),
    ],
)
def test_endless_numbers_are_refused_anywhere(
    caller: Caller, base: str, place: tuple[str, str], number: str
):
    name, text = place
    fields = {field: value for field, value in FIELDS.items() if field != name}
    reply = caller.call("POST", base, json.dumps(fields)[:-1] + f", {text % number}}}")
    assert_refused(reply, base, 400)
    assert reply.param in (name, "body")
    assert caller.traces() == ({}, {}, {})


@pytest.mark.parametrize("number", ["9" * 19 + "9", LONG, "1e400", "nan", "inf", "4" + "0" * 5000])
def test_endless_numbers_are_refused_as_text(caller: Caller, base: str, number: str):
    for name in ("seconds", "seed"):
        reply = caller.create(base, **{name: number})
        assert_refused(reply, base, 400)
        assert reply.param == name


@pytest.mark.parametrize("depth", [33, 199])
def test_an_option_may_not_be_an_abyss(caller: Caller, base: str, depth: int):
    text = "[" * depth + "]" * depth
    reply = caller.call("POST", base, json.dumps(FIELDS)[:-1] + f', "extras": {text}}}')
    assert_refused(reply, base, 400)
    assert reply.param == "extras"
    assert caller.traces() == ({}, {}, {})


def test_an_option_may_be_as_deep_as_anyone_needs(caller: Caller, base: str):
    text = "[" * 32 + "]" * 32
    reply = caller.call("POST", base, json.dumps(FIELDS)[:-1] + f', "extras": {text}}}')
    assert reply.status == 200


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"prompt": "a\0cat"}, "prompt"),
        ({"model": "sandbox/film\0"}, "model"),
        ({"negative_prompt": "\0"}, "negative_prompt"),
        ({"extras": {"url": ["\0"]}}, "extras"),
        ({"extras": {"\0": 1}}, "extras"),
        ({"a\0b": 1}, "a\0b"),
    ],
)
def test_nul_is_refused_anywhere(caller: Caller, base: str, fields: dict[str, object], param: str):
    reply = caller.create(base, **fields)
    assert_refused(reply, base, 400)
    assert reply.param == param
    assert caller.traces() == ({}, {}, {})


@pytest.mark.parametrize(
    ("twice", "param"),
    [
        ('"prompt": "a", "prompt": "b"', "prompt"),
        ('"prompt": "a", "\\u0070rompt": "a"', "prompt"),
        ('"prompt": "a", "extras": {"url": 1, "url": 1}', "url"),
        ('"prompt": "a", "extras": [[{"x": 1, "y": 2, "x": 3}]]', "x"),
    ],
)
def test_a_name_may_not_be_there_twice(caller: Caller, base: str, twice: str, param: str):
    reply = caller.call("POST", base, f'{{"model": "sandbox/film", {twice}}}')
    assert_refused(reply, base, 400)
    assert reply.param == param
    assert caller.traces() == ({}, {}, {})


@pytest.mark.parametrize(
    "kind",
    [
        "text/plain", "text/html", "application/x-www-form-urlencoded", "application/xml",
        "application/octet-stream", "multipart/mixed; boundary=x", "multipart/byteranges",
        "application/jsonx", "json", "*/*", "x" * 5000, "\u00e9", "; charset=utf-8, x",
        "application/json, application/json",
    ],
)  # fmt: skip
def test_other_kinds_of_bodies_are_refused(caller: Caller, base: str, kind: str):
    reply = caller.call("POST", base, FIELDS, {"content-type": kind})
    if kind.startswith(";"):
        assert reply.status == 200  # no type at all is JSON
        return
    assert_refused(reply, base, 400)
    assert reply.param == "content-type"
    assert caller.traces() == ({}, {}, {})


def test_a_compressed_body_is_refused(caller: Caller, base: str):
    body = gzip.compress(json.dumps(FIELDS).encode())
    reply = caller.call("POST", base, body, {"content-encoding": "gzip"})
    assert_refused(reply, base, 400)
    assert reply.param == "content-encoding"


def test_a_body_beyond_ten_megabytes_is_refused(caller: Caller, base: str):
    reply = caller.call("POST", base, b'{"prompt":"' + b"x" * 10 * 1024 * 1024 + b'"}')
    assert_refused(reply, base, 413)
    assert caller.traces() == ({}, {}, {})


def test_a_great_heap_of_small_values_is_refused(caller: Caller, base: str):
    reply = caller.create(base, extras=[0] * 100_000)
    assert_refused(reply, base, 413)
    assert caller.traces() == ({}, {}, {})


@pytest.mark.parametrize(
    "prompt", ["\ufeff", "\u202e", "\U0001f600", "\x7f", "'; DROP TABLE --", "{{7*7}}"]
)
def test_odd_prompts_pass_unharmed(caller: Caller, base: str, prompt: str):
    reply = caller.create(base, prompt=prompt)
    assert (reply.status, reply.json["prompt"]) == (200, prompt)
