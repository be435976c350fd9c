"""Declared character sets are used, in forms, URL-encoded bodies and JSON."""

import json

import pytest

from tests.unit.dialects.api_client import FIELDS, OPENAI, Caller, Reply, assert_refused

PROMPT = "Ein Bär für Zoë"
JAPANESE = "雪の中の猫"
CHARSETS = {
    "UTF-8": PROMPT,
    "utf8": PROMPT,
    "ISO-8859-1": PROMPT,
    "latin1": PROMPT,
    "windows-1252": f"{PROMPT} “€”",
    "ISO-8859-15": f"{PROMPT} €",
    "UTF-16": PROMPT,
    "UTF-16LE": PROMPT,
    "utf-16be": JAPANESE,
    "UTF-32": JAPANESE,
    "Shift_JIS": JAPANESE,
    "EUC-JP": JAPANESE,
    "GB18030": JAPANESE,
    "KOI8-R": "кот в снегу",
    "windows-1251": "кот в снегу",
    "US-ASCII": "a cat",
}
UNKNOWN = ("none", "idna", "rot13", "zlib", "base64", "unicode_escape", "x" * 500, "utf-7")


def part(name: str, value: bytes, *headers: str) -> bytes:
    lines = "".join(f"\r\n{header}" for header in headers)
    disposition = f'Content-Disposition: form-data; name="{name}"'
    return f"--limit\r\n{disposition}{lines}\r\n\r\n".encode("latin-1") + value + b"\r\n"


def post(
    caller: Caller, *parts: bytes, content_type: str = "multipart/form-data; boundary=limit"
) -> Reply:
    fields = [part(name, value.encode()) for name, value in FIELDS.items() if name != "prompt"]
    body = b"".join((*parts, *fields, b"--limit--"))
    return caller.call("POST", OPENAI, body, {"content-type": content_type})


def prompt_of(caller: Caller, reply: Reply) -> str:
    return caller.job(reply).request.prompt


@pytest.mark.parametrize("charset", CHARSETS)
def test_charset_of_a_part_is_used(caller: Caller, charset: str):
    content = part(
        "prompt", CHARSETS[charset].encode(charset), f"Content-Type: text/plain; charset={charset}"
    )
    assert prompt_of(caller, post(caller, content)) == CHARSETS[charset]


@pytest.mark.parametrize("charset", CHARSETS)
@pytest.mark.parametrize("order", [1, -1])
def test_charset_field_is_used_for_parts_without_their_own(
    caller: Caller, charset: str, order: int
):
    content = part("prompt", CHARSETS[charset].encode(charset))
    named = part("_charset_", charset.encode())
    if charset.lower().startswith(("utf-16", "utf-32")):  # not a superset of ASCII
        return
    job = caller.job(post(caller, *(named, content)[::order]))
    assert job.request.prompt == CHARSETS[charset]
    assert "_charset_" not in job.request.provider_options


def test_charset_of_the_whole_form_is_the_default(caller: Caller):
    content = part("prompt", PROMPT.encode("latin-1"))
    content_type = "multipart/form-data; charset=ISO-8859-1; boundary=limit"
    assert prompt_of(caller, post(caller, content, content_type=content_type)) == PROMPT


def test_form_is_utf_8_without_a_declaration(caller: Caller):
    assert prompt_of(caller, post(caller, part("prompt", JAPANESE.encode()))) == JAPANESE
    refused = post(caller, part("prompt", PROMPT.encode("latin-1")))
    assert_refused(refused, OPENAI, 400, "prompt")
    assert "prompt is not text in charset utf-8" in refused.text


@pytest.mark.parametrize("charset", UNKNOWN)
def test_unknown_charset_is_refused_by_field(caller: Caller, charset: str):
    header = f"Content-Type: text/plain; charset={charset}"
    refused = post(caller, part("prompt", b"a cat", header))
    assert_refused(refused, OPENAI, 400)
    assert "charset" in refused.text


@pytest.mark.parametrize(
    ("encoding", "content"),
    [
        ("8bit", PROMPT.encode()),
        ("binary", PROMPT.encode()),
        ("7BIT", b"a cat"),
        ("base64", b"RWluIELDpHIgZsO8ciBab8Or"),
        ("base64", b"RWluIELDpHIg\r\nZsO8ciBab8Or\r\n"),
        ("quoted-printable", b"Ein B=C3=A4r f=C3=BCr Zo=C3=AB"),
    ],
)
def test_transfer_encoding_of_a_part_is_undone(caller: Caller, encoding: str, content: bytes):
    header = f"Content-Transfer-Encoding: {encoding}"
    found = prompt_of(caller, post(caller, part("prompt", content, header)))
    assert found == ("a cat" if encoding == "7BIT" else PROMPT)


@pytest.mark.parametrize(("encoding", "content"), [("gzip", b"x"), ("base64", b"!")])
def test_other_transfer_encoding_is_refused_by_field(caller: Caller, encoding: str, content: bytes):
    header = f"Content-Transfer-Encoding: {encoding}"
    assert_refused(post(caller, part("prompt", content, header)), OPENAI, 400, "prompt")


FORM = part("prompt", PROMPT.encode())


@pytest.mark.parametrize(
    "content_type",
    [
        'multipart/form-data; boundary="limit"', "multipart/form-data;boundary=limit",
        'Multipart/Form-Data; charset=UTF-8; Boundary="limit"',
        "multipart/form-data; boundary=limit; charset=utf-8",
    ],
)  # fmt: skip
def test_boundary_may_be_quoted_and_follow_other_parameters(caller: Caller, content_type: str):
    assert prompt_of(caller, post(caller, FORM, content_type=content_type)) == PROMPT


@pytest.mark.parametrize(
    "first", [b"", b"\r\n", b"This is a message in MIME format.\r\n", b"x" * 70_000 + b"\r\n"]
)
@pytest.mark.parametrize("last", [b"", b"\r\n", b"\r\nepilogue", b"\r\n" + b"x" * 70_000])
def test_preamble_and_epilogue_are_ignored(caller: Caller, first: bytes, last: bytes):
    fields = [part(name, value.encode()) for name, value in FIELDS.items()]
    body = first + b"".join(fields) + b"--limit--" + last
    headers = {"content-type": "multipart/form-data; boundary=limit"}
    assert caller.call("POST", OPENAI, body, headers).status == 200


@pytest.mark.parametrize(
    "disposition",
    [
        'form-data; name="input_reference"; filename="Bär.png"',
        "form-data; name=\"input_reference\"; filename*=UTF-8''B%C3%A4r.png",
        "form-data; name=input_reference; filename=bear.png",
        'form-data; name="input_reference"; filename="b\\"r.png"; filename*=UTF-8\'\'b.png',
        'form-data; filename="x.png"; name="input_reference"',
    ],
)
@pytest.mark.parametrize("charset", ["utf-8", "latin-1"])
def test_file_is_read_whatever_the_form_of_its_name(caller: Caller, disposition: str, charset: str):
    image = b"\x89PNG\r\n\x1a\n" + bytes(16)
    head = f"--limit\r\nContent-Disposition: {disposition}\r\nContent-Type: image/png\r\n\r\n"
    reply = post(caller, FORM, head.encode(charset) + image + b"\r\n")
    assert caller.job(reply).request.inputs[0].file
    assert [*caller.blobs.objects.values()] == [image]


@pytest.mark.parametrize("charset", CHARSETS)
def test_charset_of_json_is_used(caller: Caller, charset: str):
    body = json.dumps({**FIELDS, "prompt": CHARSETS[charset]}, ensure_ascii=False).encode(charset)
    headers = {"content-type": f"application/json; charset={charset}"}
    assert prompt_of(caller, caller.call("POST", OPENAI, body, headers)) == CHARSETS[charset]


@pytest.mark.parametrize(
    "encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-be"]
)
@pytest.mark.parametrize("content_type", ["application/json", "application/problem+json", ""])
def test_encoding_of_json_is_detected(caller: Caller, encoding: str, content_type: str):
    body = json.dumps({**FIELDS, "prompt": JAPANESE}, ensure_ascii=False).encode(encoding)
    reply = caller.call("POST", OPENAI, body, {"content-type": content_type})
    assert prompt_of(caller, reply) == JAPANESE


def test_byte_order_mark_overrides_the_declared_charset(caller: Caller):
    body = json.dumps(FIELDS).encode("utf-8-sig")
    headers = {"content-type": "application/json; charset=ISO-8859-1"}
    assert caller.call("POST", OPENAI, body, headers).status == 200


@pytest.mark.parametrize("charset", UNKNOWN)
def test_unknown_charset_of_json_is_refused(caller: Caller, charset: str):
    headers = {"content-type": f"application/json; charset={charset}"}
    assert_refused(caller.call("POST", OPENAI, FIELDS, headers), OPENAI, 400, "body")


@pytest.mark.parametrize("content_type", ["application/x-www-form-urlencoded", "text/plain"])
@pytest.mark.parametrize("space", ["", "\n "])
def test_json_that_curl_declares_as_a_form_is_read(
    caller: Caller, base: str, content_type: str, space: str
):
    body = space + json.dumps({**FIELDS, "prompt": PROMPT}, ensure_ascii=False)
    reply = caller.call("POST", base, body, {"content-type": content_type})
    assert prompt_of(caller, reply) == PROMPT


@pytest.mark.parametrize(
    ("body", "charset"),
    [
        (b"prompt=a+cat%20in%20snow", "utf-8"),
        (b"prompt=%83l%20a+cat%20in%20snow", "shift_jis"),
        (b"_charset_=iso-8859-1&prompt=a+c%61t+in+snow", None),
        (b"prompt=a+cat+in+snow&seconds=&negative_prompt", None),
    ],
)
def test_urlencoded_form_is_read(caller: Caller, base: str, body: bytes, charset: str | None):
    form = b"&model=sandbox%2Fvideo&size=1280x720"
    suffix = f"; charset={charset}" if charset else ""
    headers = {"content-type": f"application/x-www-form-urlencoded{suffix}"}
    found = caller.job(caller.call("POST", base, body + form, headers)).request
    assert found.prompt.endswith("a cat in snow")
    assert found.size == "1280x720"


@pytest.mark.parametrize(
    "body", [b"prompt=%ff", b"prompt=a&prompt=b", b"&".join([b"a=1"] * 40), b"a cat", b"%00=1"]
)
def test_malformed_urlencoded_form_is_refused(caller: Caller, base: str, body: bytes):
    headers = {"content-type": "application/x-www-form-urlencoded"}
    assert_refused(caller.call("POST", base, body, headers), base, 400)


@pytest.mark.parametrize("path", ["/v2/videos", "/queue/sora-2", "/fal/sora-2"])
@pytest.mark.parametrize(
    "content_type", ["application/x-www-form-urlencoded", "multipart/form-data; boundary=x"]
)
def test_form_for_an_api_of_json_gets_the_header_to_send(
    caller: Caller, path: str, content_type: str
):
    reply = caller.call("POST", path, b"prompt=a", {"content-type": content_type})
    assert reply.status in (400, 422)
    assert "send the header `Content-Type: application/json`" in reply.text
