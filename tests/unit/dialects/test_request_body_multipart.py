"""Tests of malformed multipart bodies: each is refused without side effects."""

import pytest

from tests.unit.dialects.api_client import FIELDS, PNG, Caller, Part, assert_refused, form

FORM = tuple(FIELDS.items())
GOOD = form(FORM)
CONTENT_TYPE = "multipart/form-data; boundary=limit"


def send(
    caller: Caller, base: str, body: bytes, content_type: str = CONTENT_TYPE
) -> tuple[int, str | None]:
    reply = caller.call("POST", base, body, {"content-type": content_type})
    assert_refused(reply, base)
    return reply.status, reply.param


@pytest.mark.parametrize(
    "content_type",
    [
        "multipart/form-data", "multipart/form-data;", "multipart/form-data; boundary",
        "multipart/form-data; boundary=", 'multipart/form-data; boundary=""',
        "multipart/form-data; boundary=\u00e9", "multipart/form-data; bound=limit",
    ],
)  # fmt: skip
def test_multipart_requires_a_boundary(caller: Caller, base: str, content_type: str):
    assert send(caller, base, GOOD, content_type) == (400, "content-type")


@pytest.mark.parametrize(
    "boundary", ["other", "limi", "limits", "x" * 2000, '"a b"', "limit; boundary=other"]
)
def test_multipart_refuses_wrong_boundary(caller: Caller, base: str, boundary: str):
    assert send(caller, base, GOOD, f"multipart/form-data; boundary={boundary}") == (400, "body")


@pytest.mark.parametrize("cut", [1, 2, 3, 4, 5, 10, 20, 40, 60, 100, len(GOOD) - 1, len(GOOD)])
def test_multipart_refuses_truncated_body(caller: Caller, base: str, cut: int):
    if cut <= 2:  # the last line break is optional
        assert caller.call("POST", base, GOOD[:-cut], {"content-type": CONTENT_TYPE}).status == 200
        return
    assert send(caller, base, GOOD[:-cut]) == (400, "body")


@pytest.mark.parametrize(
    "body",
    [
        b"", b"--limit--\r\n", b"--limit\r\n--limit--\r\n", b"{}", b"x" + GOOD, b"--limit",
        GOOD.replace(b"\r\n", b"\n"), GOOD.replace(b"\r\n", b"\r"), GOOD[2:],
        GOOD.replace(b"Content-Disposition", b"Content-Position"),
        GOOD.replace(b"form-data", b"attachment"), GOOD.replace(b"; name=", b"; "),
        GOOD.replace(b": form", b" form"), GOOD.replace(b"Content", b"Cont\x00ent"),
        GOOD.replace(b"Content", b"Cont\xffent"), GOOD.replace(b'"prompt"', b'"pr\xffompt"'),
        GOOD.replace(b"a cat", b"\xff"), GOOD.replace(b"a cat", b"\xed\xa0\x80"),
        GOOD.replace(b"a cat", b"a\x00cat"), GOOD.replace(b'"prompt"', b'"prompt\x00"'),
        GOOD.replace(b"form-data; name", b"form-data; " + b"x" * 5000 + b"=1; name"),
        GOOD.replace(b"form-data", b"form-data" + b"; x" * 3000),
        GOOD.replace(b"\r\n\r\n", b"\r\nX: " + b"x" * 100_000 + b"\r\n\r\n"),
        GOOD.replace(b"\r\n\r\n", b"\r\nX: 1" * 100 + b"\r\n\r\n"),
        GOOD.replace(b"\r\n\r\n", b"\r\nContent-Type: text/plain; charset=none\r\n\r\n"),
        GOOD.replace(b"a cat", b" "), GOOD.replace(b"a cat", b""),
        GOOD.replace(b"a cat", b"x" * 40_000),
        GOOD.replace(b'"prompt"', b'""'), GOOD.replace(b'"prompt"', b'"prompt[]"'),
        GOOD.replace(b'"prompt"', b'"prompt[text]"'), GOOD.replace(b'"prompt"', b'"[prompt]"'),
        GOOD.replace(b'"prompt"', b'"' + b"[" * 3000 + b'"'),
        GOOD.replace(b'"prompt"', b'"a' + b"[b]" * 1000 + b'"'),
    ],
    ids=lambda body: repr(body[:70]),
)  # fmt: skip
def test_multipart_refuses_malformed_body(caller: Caller, base: str, body: bytes):
    status, param = send(caller, base, body)
    assert (status, param is None) == (400, False)


@pytest.mark.parametrize("count", [33, 40, 1000])
def test_multipart_refuses_more_than_32_parts(caller: Caller, base: str, count: int):
    body = form([(f"part{index}", "x") for index in range(count)])
    assert send(caller, base, body) == (400, "body")


def test_multipart_counts_members_of_a_list(caller: Caller, base: str):
    body = form([*FORM, *([("guidance_scale[]", "1")] * 1000)])
    assert send(caller, base, body) == (400, "body")


@pytest.mark.parametrize(
    ("parts", "param"),
    [
        ([("prompt", "x"), ("prompt", "x")], "prompt"),
        ([("prompt", "x"), ("prompt[a]", "x")], "prompt"),
        ([("prompt", "x"), ("prompt[]", "x")], "prompt"),
        ([("webhook[]", "x"), ("webhook[a]", "x")], "webhook"),
        ([("webhook[a]", "x"), ("webhook[a]", "x")], "webhook"),
        ([("webhook[a]", "x"), ("webhook[]", "x")], "webhook"),
        ([("webhook[a]", "x"), ("webhook", "x")], "webhook"),
        ([("prompt", "x"), ("webhook[a]", "image/png", PNG)], "webhook"),
        ([("prompt", "x"), ("webhook[]", "image/png", PNG)], "webhook"),
        ([("prompt", "x"), ("steps", "x")], "steps"),
        ([("prompt", "x"), ("seconds", "4.5")], "seconds"),
        ([("prompt", "x"), ("seconds", "9" * 5000)], "seconds"),
        ([("prompt", "x"), ("seed", "true")], "seed"),
    ],
)
def test_multipart_refuses_conflicting_parts_by_name(
    caller: Caller, base: str, parts: list[Part], param: str
):
    assert send(caller, base, form([("model", "sandbox/video"), *parts])) == (400, param)


def test_multipart_refuses_body_above_10_mib(caller: Caller, base: str):
    body = form([*FORM, ("input_reference", "image/png", PNG + bytes(10 * 1024 * 1024))])
    assert send(caller, base, body)[0] == 413


def test_multipart_accepts_a_large_image(caller: Caller, base: str):
    image = PNG + bytes(4 * 1024 * 1024)
    reply = caller.form(base, *FORM, ("input_reference", "image/png", image))
    assert reply.status == 200
    assert [*caller.blobs.objects.values()] == [image]


def test_multipart_body_with_json_content_type_is_refused(caller: Caller, base: str):
    assert send(caller, base, GOOD, "application/json") == (400, "body")
