"""Secrets are found in each form in which another program may quote them."""

import base64
import html
import json
import random
import re
from collections.abc import Callable
from urllib.parse import parse_qsl, quote, unquote, urlencode

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from rushes.redaction import (
    MARK,
    MAX_ESCAPED,
    MAX_SECRETS,
    MIN_LENGTH,
    WINDOW,
    Redactor,
    secrets_of_header,
)
from tests.security.canary_secrets import FORMS, leaks

KEY = "sk-proj-Ab/cd+efgh=ijkl_0123"
OWN_KEY = f"rk_0123456789abcdef_{'Aa-_0' * 8}xyz"
SIGNING_SECRET = f"whsec_{base64.b64encode(bytes(32)).decode()}"
PRINTABLE = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=12, max_size=60)
FORM = st.sampled_from(list(FORMS.values()))


def redactor(*secrets: str) -> Redactor:
    made = Redactor()
    made.remember(*secrets)
    return made


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS.keys())
@pytest.mark.parametrize("context", ["{}", "wrong key {} given", '{{"error": "{}"}}', "\ud800{}é"])
def test_each_form_is_redacted_in_any_context(form: Callable[[str], str], context: str):
    redacted = redactor(KEY).redact(context.format(form(KEY)))
    assert MARK in redacted
    assert not leaks(KEY, redacted)
    before, _, after = context.partition("{}")
    assert redacted.startswith(before.replace("{{", "{"))
    assert redacted.endswith(after.replace("}}", "}"))


@given(PRINTABLE, FORM, st.text(max_size=20), st.text(max_size=20))
def test_any_printable_secret_is_redacted_in_any_form(
    secret: str, form: Callable[[str], str], before: str, after: str
):
    assume(secret not in MARK)
    redacted = redactor(secret).redact(f"{before} {form(secret)} {after}")
    assert MARK in redacted
    assert secret not in redacted
    assert form(secret) not in redacted


@given(st.text())
def test_text_without_secrets_is_unchanged(text: str):
    assert redactor(KEY).redact(text) == text


@pytest.mark.parametrize("secret", [OWN_KEY, OWN_KEY.upper(), SIGNING_SECRET])
def test_own_keys_and_signing_secrets_are_redacted_by_their_form(secret: str):
    for form in (secret, quote(secret, safe=""), json.dumps(secret), f"Bearer {secret}"):
        assert secret[6:] not in Redactor().redact(form)


@pytest.mark.parametrize("text", ["rk_0123456789abcdef", "whsec_…abcd", "rk_demo_key", "job_1"])
def test_ids_and_hints_are_not_redacted(text: str):
    assert Redactor().redact(json.dumps(text)) == json.dumps(text)


def test_a_text_of_less_than_eight_characters_is_no_secret():
    assert MIN_LENGTH == 8
    assert redactor("", "abc", "1234567").redact("abc 1234567") == "abc 1234567"
    assert redactor("12345678").redact("abc 12345678") == f"abc {MARK}"


def test_only_the_latest_secrets_are_remembered():
    made = redactor(*(f"secret-number-{n}" for n in range(MAX_SECRETS)))
    made.remember("secret-number-0")
    made.remember("the newest one")
    assert made.redact("secret-number-0 the newest one") == f"{MARK} {MARK}"
    assert made.redact("secret-number-1") == "secret-number-1"


def test_json_stays_json_and_media_stays_as_it_is():
    media = base64.b64encode(random.Random(1).randbytes(3 * WINDOW)).decode()  # noqa: S311
    body = json.dumps({"video": media, "error": f"key {KEY}", KEY: [1, None, KEY]}).encode()
    redacted = redactor(KEY).redact_bytes(body)
    assert json.loads(redacted) == {"video": media, "error": f"key {MARK}", MARK: [1, None, MARK]}
    content = media.encode()
    assert redactor(KEY).redact_bytes(content) is content


@pytest.mark.parametrize("place", [0, WINDOW - 10, WINDOW, 2 * WINDOW - 1, 3 * WINDOW])
@pytest.mark.parametrize("form", ["raw", "JSON escapes", "base64", "percent twice"])
def test_secret_at_a_border_between_windows_is_redacted(place: int, form: str):
    content = b"." * place + FORMS[form](KEY).encode() + b"." * WINDOW
    redacted = redactor(KEY).redact_bytes(content)
    assert redacted.count(MARK.encode()) == 1
    assert not leaks(KEY, redacted.decode().replace(".", " "))


@pytest.mark.parametrize("form", ["raw", "JSON escapes", "base64"])
def test_secret_at_the_end_of_a_long_body_is_redacted(form: str):
    content = b'"' + b"A" * (3 * MAX_ESCAPED) + b'", "' + FORMS[form](KEY).encode() + b'"'
    assert redactor(KEY).redact_bytes(content).count(MARK.encode()) == 1


@pytest.mark.parametrize(
    "piece", [b"\\", b"\\/", b"%25", b"\\u0061", b"&#65;", b"sk-proj-", b"rk_", KEY.encode()]
)
def test_body_of_escapes_and_beginnings_of_secrets_is_searched_to_its_end(piece: bytes):
    """A search that takes quadratic time would not end."""
    content = piece.replace(KEY.encode(), KEY.encode()[:-1]) * (2_000_000 // len(piece))
    redacted = redactor(KEY).redact_bytes(content + b" " + KEY.encode())
    assert redacted == content + b" " + MARK.encode()


def test_values_of_json_are_redacted_with_their_names():
    value = {KEY: [KEY, 1, None, {"a": (KEY,)}], "b": True}
    assert redactor(KEY).redact_value(value) == {MARK: [MARK, 1, None, {"a": (MARK,)}], "b": True}


@pytest.mark.parametrize(
    "line",
    [
        "GET https://b.s3.amazonaws.com/k?X-Amz-Expires=60&X-Amz-Signature=5ignature0123&x=1",
        "X-Amz-Credential=5ignature0123%2F20270115%2Fus-east-1, X-Amz-Security-Token=5ignature0123",
        '{"Authorization": "AWS4-HMAC-SHA256 Credential=A/1, Signature=x", "x": 1}'[:46] + '"}',
        "{'Authorization': 'Bearer 5ignature0123456789'}",
        '{"headers": "{\\"authorization\\": \\"Key 5ignature0123:456789abcdef\\"}"}',
        "Authorization: Basic NWlnbmF0dXJlMDEyMzQ1Njc4OQ==",
        "sent Token 5ignature0123456789abc",
        "GET https://storage.example/o?X-Goog-Expires=60&X-Goog-Signature=5ignature0123",
        "GET https://files.blob.example/o?se=2027-01-15&sig=5ignature0123%3D&sp=r",
        "at https://cdn.example/v.mp4?token=5ignature0123",
        "at https://cdn.example/v.mp4?Expires=1&Signature=5ignature0123",
    ],
)
def test_log_lines_have_no_signatures_and_no_credentials(line: str):
    redacted = Redactor().redact_log(line)
    assert MARK in redacted
    assert not re.search("5ignature0123|NWlnbmF0|AWS4", redacted)


def test_client_responses_keep_presigned_urls():
    url = "https://b.s3.amazonaws.com/k?X-Amz-Credential=A%2F1&X-Amz-Signature=0123456789abcdef"
    assert redactor(KEY).redact(url) == url


NEIGHBOURS = (
    *('"', "\\", "\\\\", "\n", "\r", "\t", "\b", "/", "'", "%", "%41", "%%", "&", "&amp;", "<"),
    *(
        "é",
        "ß",
        "中文",
        "\u2028",
        "😀",
        "\x00",
        "\x7f",
        " ",
        ":",
        "{",
        "}",
        ",",
        '"}',
        "\\n",
        "\\u0041",
    ),
)
TEXT_SECRETS = (OWN_KEY, SIGNING_SECRET, KEY, "token-0123456789", "nb\\tf/u0041-")
"""Some begin like a JSON escape's letter, and one has an escape itself."""


def _replaced(value: object, secret: str) -> object:
    if isinstance(value, str):
        return value.replace(secret, MARK)
    if isinstance(value, list):
        return [_replaced(member, secret) for member in value]
    return value


@pytest.mark.parametrize("ensure_ascii", [True, False])
@pytest.mark.parametrize("secret", TEXT_SECRETS)
@pytest.mark.parametrize("before", ["", *NEIGHBOURS])
def test_json_stays_json_with_all_that_is_next_to_a_secret(
    before: str,
    secret: str,
    ensure_ascii: bool,  # noqa: FBT001 - a column
):
    own = redactor(secret)
    texts = [f"{before}{secret}{after}" for after in ("", *NEIGHBOURS)]
    for value in (*texts, texts, [f"a {text} {text}" for text in texts]):
        body = json.dumps(value, ensure_ascii=ensure_ascii)
        expected = _replaced(value, secret)
        assert json.loads(own.redact(body)) == expected
        assert json.loads(own.redact_bytes(body.encode())) == expected


@pytest.mark.parametrize("ensure_ascii", [True, False])
@pytest.mark.parametrize("depth", [2, 3])
def test_json_in_json_stays_json(
    depth: int,
    ensure_ascii: bool,  # noqa: FBT001 - a column
):
    for before in NEIGHBOURS:
        for after in NEIGHBOURS:
            text = f"{before}{KEY}{after}"
            body: str = text
            for _ in range(depth):
                body = json.dumps({"m": body}, ensure_ascii=ensure_ascii)
            value = redactor(KEY).redact(body)
            for _ in range(depth):
                value = json.loads(value)["m"]
            assert value == text.replace(KEY, MARK)


AROUND = st.lists(st.sampled_from(("", "a", *NEIGHBOURS)), max_size=6).map("".join)


@given(AROUND, AROUND, st.sampled_from(TEXT_SECRETS[:4]), st.booleans())
def test_any_text_around_a_secret_is_kept(
    before: str,
    after: str,
    secret: str,
    ensure_ascii: bool,  # noqa: FBT001 - a column
):
    text = f"{before}{secret}{after}"
    inner = json.dumps({"m": text}, ensure_ascii=ensure_ascii)
    redacted = json.loads(redactor(secret).redact(json.dumps({"e": [inner, text]})))["e"]
    expected = text.replace(secret, MARK)
    assert (json.loads(redacted[0])["m"], redacted[1]) == (expected, expected)


@pytest.mark.parametrize("secret", TEXT_SECRETS[:4])
@pytest.mark.parametrize("times", [1, 2, 3])
def test_percent_encoded_queries_stay_decodable(secret: str, times: int):
    for before in ("", *NEIGHBOURS):
        for after in ("", *NEIGHBOURS):
            fields = {"a": f"{before} {secret} {after}", "b": f"{secret}{after}", "c": "1"}
            query = urlencode(fields)
            for _ in range(times - 1):
                query = quote(query, safe="")
            redacted = redactor(secret).redact(query)
            for _ in range(times - 1):
                redacted = unquote(redacted, errors="strict")
            found = dict(parse_qsl(redacted, keep_blank_values=True, errors="strict"))
            assert found == {name: text.replace(secret, MARK) for name, text in fields.items()}


@pytest.mark.parametrize("secret", TEXT_SECRETS[:4])
def test_html_stays_html(secret: str):
    for after in ("&", "<b>", '"', "'", "é"):
        for form in (secret, FORMS["HTML"](secret)):
            page = f"<p>{html.escape(after)}{form}{html.escape(after)}</p>"
            expected = f"<p>{html.escape(after)}{MARK}{html.escape(after)}</p>"
            assert redactor(secret).redact(page) == expected


@pytest.mark.parametrize("secret", [KEY, "begins-with-letter-and-ends-with\\", "\\n-both-\\"])
@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS.keys())
def test_json_with_a_secret_in_any_form_stays_json(form: Callable[[str], str], secret: str):
    """A part of a secret may remain: the end of its base64, or its backslash."""
    for after in ("", *NEIGHBOURS):
        for before in ("", *NEIGHBOURS):
            body = json.dumps({"m": f"{before} {form(secret)}{after}", "id": "1"})
            redacted = json.loads(redactor(secret).redact(body))
            assert redacted["id"] == "1"
            assert redacted["m"].startswith(f"{before} ")
            assert redacted["m"].endswith(after)
            assert MARK in redacted["m"]


@pytest.mark.parametrize("after", ['\\"', "\\n", "\\\\", "\\u4e2d", "\\ud83d\\ude00", ""])
def test_escape_after_a_secret_of_escapes_is_kept(after: str):
    for before in ("", '\\"', "\\t", "\\u00e9", "%41", "&amp;"):
        for name in ("JSON escapes", "some escapes", "percent", "HTML"):
            body = f'{{"m": "{before}{FORMS[name](KEY)}{after}"}}'
            expected = f'{{"m": "{before}{MARK}{after}"}}'
            assert redactor(KEY).redact(body) == expected


@pytest.mark.parametrize("text", ["\rk_0123456789abcdef_abc", "a\rk_0123456789abcdef_abc\n"])
def test_letter_of_an_escape_before_what_looks_like_a_key_leaves_json(text: str):
    body = json.dumps({"prompt": text, "id": "1"})
    assert json.loads(Redactor().redact(body))["id"] == "1"


def test_text_that_follows_an_own_key_or_secret_is_kept():
    for secret in (OWN_KEY, f"whsec_{base64.b64encode(bytes(64)).decode()}"):
        assert Redactor().redact(f"{secret}&x={secret}") == f"{MARK}&x={MARK}"
    assert Redactor().redact(f"{OWN_KEY}{'A' * 90}") == MARK + "A" * 90


def test_media_next_to_secrets_stays_as_it_is():
    """No own form is in base64, as it has no underscore."""
    media = base64.b64encode(random.Random(2).randbytes(WINDOW)).decode()  # noqa: S311
    body = json.dumps({"prompt": f"{OWN_KEY}\n", "b64": media, "m": f'"{SIGNING_SECRET}"'})
    redacted = json.loads(Redactor().redact_bytes(body.encode()))
    assert redacted == {"prompt": f"{MARK}\n", "b64": media, "m": f'"{MARK}"'}


def test_events_and_webhooks_keep_presigned_urls_next_to_a_secret():
    url = (
        "https://b.s3.amazonaws.com/k.mp4?X-Amz-Credential=A%2F1%2Fs3&X-Amz-Security-Token=a%2Bb%3D"
        "&X-Amz-Signature=0123456789abcdef&response-content-disposition=attachment%3B%20name%3D%22a%22"
    )
    body = json.dumps({"error": f'bad "{KEY}"', "url": url, "nested": json.dumps({"url": url})})
    redacted = redactor(KEY).redact(body)
    assert redacted == body.replace(KEY, MARK)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("Bearer abc", ("abc",)),
        ("abc", ("abc",)),
        ("Key id:secret", ("id:secret", "secret")),
        ("Basic dXNlcjpwYXNz", ("dXNlcjpwYXNz", "user:pass", "pass")),
        ("Basic no base64", ("no base64",)),
        ("", ("",)),
    ],
)
def test_secrets_of_header_are_its_value_and_what_that_encodes(value: str, expected: tuple[str]):
    assert secrets_of_header(value) == expected
