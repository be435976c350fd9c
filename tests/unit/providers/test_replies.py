import json

import pytest

from rushes.errors import (
    UpstreamError,
    UpstreamJobNotFound,
    UpstreamNoResponse,
    UpstreamProtocolError,
    UpstreamRefused,
    UpstreamThrottled,
)
from rushes.json_pointer import resolve_in_json
from rushes.ports.http import HttpReply
from rushes.providers.error_meaning import GENERAL
from rushes.providers.replies import (
    MAX_MESSAGE,
    Members,
    Reply,
    error_message_and_code,
    failure,
    percentage,
    raise_for_create_status,
    raise_for_status,
    read,
    retry_after,
)

NOON = "Sat, 21 Nov 2026 12:00:00 GMT"


def reply(status: int = 200, body: bytes = b"{}", **headers: str) -> HttpReply:
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return HttpReply(status, names, body)


def refusal(body: bytes) -> UpstreamRefused:
    with pytest.raises(UpstreamRefused) as refused:
        raise_for_create_status(reply(400, body))
    return refused.value


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        *(("0", 0), ("7", 7), ("1.5", 1.5), (" 120 ", 120), ("86400", 86400)),
        *(("Sat, 21 Nov 2026 12:01:30 GMT", 90), ("Sat, 21 Nov 2026 13:02:00 +0100", 120)),
        ("Sat, 21 Nov 2026 11:59:00 GMT", 0),
        *(("", None), ("-5", None), ("soon", None), ("nan", None), ("inf", None), ("1e9", None)),
        ("9" * 400, 86_400),
        *(("1,5", None), ("Sat, 99 Nov 2026 12:00:00 GMT", None), ("½", None)),
        ("Sat, 21 Nov 2026 12:01:30 -0000", 90),
        ("Sat, 21 Nov 99999999999999999999 12:00:00 GMT", None),
        ("٣٠", None),
    ],
)
def test_retry_after_is_seconds_or_a_date(value: str, seconds: float | None):
    assert retry_after(reply(retry_after=value, date=NOON)) == seconds


def test_retry_after_date_requires_the_date_header():
    assert retry_after(reply(retry_after=NOON)) is None
    assert retry_after(reply()) is None


@pytest.mark.parametrize("status", [200, 201, 202, 204])
def test_success_status_does_not_raise(status: int):
    raise_for_create_status(reply(status))
    raise_for_status(reply(status))


ERRORS = {
    (UpstreamRefused, UpstreamRefused): (301, 400, 401, 402, 403, 409, 422),
    (UpstreamRefused, UpstreamJobNotFound): (404, 410),
    (UpstreamRefused, UpstreamThrottled): (425,),
    (UpstreamThrottled, UpstreamThrottled): (429,),
    (UpstreamNoResponse, UpstreamThrottled): (408, 500, 502, 503, 504, 529),
}
"""Errors of a create call and of another request, and their statuses."""


@pytest.mark.parametrize(
    ("status", "create_error", "error"),
    [(status, *pair) for pair, statuses in ERRORS.items() for status in statuses],
)
def test_error_status_of_a_create_call_raises_no_response_unless_it_is_a_refusal(
    status: int, create_error: type[UpstreamError], error: type[UpstreamError]
):
    with pytest.raises(UpstreamError) as raised:
        raise_for_create_status(reply(status))
    assert type(raised.value) is create_error
    with pytest.raises(UpstreamError) as raised:
        raise_for_status(reply(status))
    assert type(raised.value) is error


@pytest.mark.parametrize(
    ("body", "message", "code"),
    [
        (b'{"error": {"message": "too big", "code": "size"}}', "too big", "size"),
        (b'{"error": {"message": "too big", "type": "bad"}}', "too big", "bad"),
        (b'{"error": {"message": null}}', "the provider gave no reason", None),
        (b'{"error": "too big"}', "too big", None),
        (b'{"message": "too big"}', "too big", None),
        (b'{"detail": "too big"}', "too big", None),
        (b"too big", "too big", None),
        (b"\xff\xfe", "��", None),
        (b"", "the provider gave no reason", None),
        (b"[]", "[]", None),
        (b"null", "null", None),
    ],
)
def test_refusal_has_the_providers_message_and_code(body: bytes, message: str, code: str | None):
    refused = refusal(body)
    assert refused.message == f"the provider refused the request (400): {message}"
    assert (refused.error_code, refused.upstream_code) == ("upstream_refused", code)


def test_long_message_is_truncated():
    for body in (b"x" * 10_000, b'{"error": {"message": "%s"}}' % (b"x" * 10_000)):
        assert refusal(body).message.count("x") == MAX_MESSAGE
    assert len(failure("code", "x" * 10_000).message) == MAX_MESSAGE


@pytest.mark.parametrize("code", GENERAL.content_filtered)
def test_content_filter_is_recognized_by_each_code(code: str):
    body = b'{"error": {"message": "no", "code": "%s"}}' % code.encode()
    assert refusal(body).error_code == "content_filtered"
    assert failure(code, "no").code == "content_filtered"


class Schema(Reply):
    id: str
    progress: float | None = None


@pytest.mark.parametrize(
    "body",
    [
        *(b"", b"{", b"[]", b"null", b'"x"', b"{}", b'{"id": true}', b'{"id": null}', b"\xff"),
        *(b'{"id": "1", "progress": NaN}', b'{"id": "1", "progress": 1e999}', b"<html>"),
        *(b'{"id": "1", "progress": {}}', b"[" * 100_000, b'{"id": "\\ud800"}'),
    ],
)
def test_read_raises_for_a_body_that_does_not_match_the_schema(body: bytes):
    with pytest.raises(UpstreamProtocolError, match=r"invalid response from the provider \(200\)"):
        read(reply(body=body), Schema)


def test_number_is_read_as_text():
    assert read(reply(body=b'{"id": 5}'), Schema).id == "5"


def test_read_ignores_unused_fields():
    body = b'{"id": "1", "progress": 4, "more": [NaN, {"deep": null}]}'
    assert read(reply(body=body), Schema) == Schema(id="1", progress=4)


@pytest.mark.parametrize(
    ("part", "whole", "percent"),
    [
        *((0, 100, 0), (66.6, 100, 67), (0.4, 1, 40), (5, 4, 100), (-3, 100, 0)),
        *((1e308, 1, 100), (1e308, 1e-300, 100), (-1e308, 1, 0), (1e308, 1e308, 100)),
        (None, 1, None),
    ],
)
def test_percentage_is_clamped(part: float | None, whole: float, percent: int | None):
    assert percentage(part, whole) == percent


class Lists(Reply):
    names: Members[str] = ()
    files: Members[Schema] = ()


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"names": ["x"] * 1001}, "names: Tuple should have at most 1000 items"),
        ({"names": [None] * 100_000}, "names.0: Input should be a valid string"),
        ({"files": [{}] * 100_000}, "files.0.id: Field required"),
        ({"files": [{"id": "1"}, *[5] * 100_000]}, "files.1: Input should be"),
    ],
)
def test_read_bounds_lists_and_names_the_first_error(body: object, message: str):
    with pytest.raises(UpstreamProtocolError, match=message) as raised:
        read(reply(body=json.dumps(body).encode()), Lists)
    assert len(raised.value.message) < 200


def test_read_accepts_a_list_of_1000_members():
    assert len(read(reply(body=b'{"names": [%s"x"]}' % (b'"x",' * 999)), Lists).names) == 1000


@pytest.mark.parametrize("piece", [b"1,", b"[],", b"{},", b'"",', b"[", b'{"a":'])
def test_too_many_values_are_a_named_error(piece: bytes):
    body = b'{"id": "1", "x": [' + piece * 1_000_001 + b"1]}"
    with pytest.raises(UpstreamProtocolError, match="body: must have at most 1000000 values"):
        read(reply(body=body), Schema)
    with pytest.raises(UpstreamProtocolError, match="must have at most 1000000 values"):
        resolve_in_json(body, "/id")
    assert error_message_and_code(reply(400, body))[0].startswith('{"id": "1"')


def test_transcript_of_twenty_hours_is_read():
    word = b'{"word": "naive", "start": 1.25, "end": 2.5, "probability": 0.875}'
    body = b'{"id": "1", "words": [%s%s]}' % ((word + b",") * 190_000, word)
    assert read(reply(body=body), Schema).id == "1"
