"""What all providers' answers have in common."""

import pytest

from rushes.errors import (
    UpstreamError,
    UpstreamJobNotFound,
    UpstreamNoResponse,
    UpstreamProtocolError,
    UpstreamRefused,
    UpstreamThrottled,
)
from rushes.ports import HttpReply
from rushes.providers.replies import (
    CONTENT_FILTERS,
    EXCERPT,
    Reply,
    check_answered,
    check_created,
    failure,
    read,
    retry_after,
)

NOON = "Sat, 21 Nov 2026 12:00:00 GMT"


def reply(status: int = 200, body: bytes = b"{}", **headers: str) -> HttpReply:
    return HttpReply(status, {name.replace("_", "-"): it for name, it in headers.items()}, body)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        *(("0", 0), ("7", 7), ("1.5", 1.5), (" 120 ", 120), ("86400", 86400)),
        *(("Sat, 21 Nov 2026 12:01:30 GMT", 90), ("Sat, 21 Nov 2026 13:02:00 +0100", 120)),
        ("Sat, 21 Nov 2026 11:59:00 GMT", 0),
        *(("", None), ("-5", None), ("soon", None), ("nan", None), ("inf", None), ("1e9", None)),
        *(("1,5", None), ("Sat, 99 Nov 2026 12:00:00 GMT", None), ("½", None)),
        ("Sat, 21 Nov 2026 12:01:30 -0000", None),
    ],
)
def test_retry_after_is_seconds_or_a_moment(value: str, seconds: float | None):
    assert retry_after(reply(retry_after=value, date=NOON)) == seconds


def test_a_moment_means_nothing_without_the_providers_own_clock():
    assert retry_after(reply(retry_after=NOON)) is None
    assert retry_after(reply()) is None


@pytest.mark.parametrize("status", [200, 201, 202, 204])
def test_a_success_passes(status: int):
    check_created(reply(status))
    check_answered(reply(status))


@pytest.mark.parametrize(
    ("status", "create", "again"),
    [
        *((301, UpstreamRefused, UpstreamRefused), (400, UpstreamRefused, UpstreamRefused)),
        *((401, UpstreamRefused, UpstreamRefused), (402, UpstreamRefused, UpstreamRefused)),
        *((403, UpstreamRefused, UpstreamRefused), (404, UpstreamRefused, UpstreamJobNotFound)),
        *((408, UpstreamNoResponse, UpstreamThrottled), (409, UpstreamRefused, UpstreamRefused)),
        *((410, UpstreamRefused, UpstreamJobNotFound), (422, UpstreamRefused, UpstreamRefused)),
        *((425, UpstreamRefused, UpstreamThrottled), (429, UpstreamThrottled, UpstreamThrottled)),
        *(
            (500, UpstreamNoResponse, UpstreamThrottled),
            (502, UpstreamNoResponse, UpstreamThrottled),
        ),
        *(
            (503, UpstreamNoResponse, UpstreamThrottled),
            (504, UpstreamNoResponse, UpstreamThrottled),
        ),
        (529, UpstreamNoResponse, UpstreamThrottled),
    ],
)
def test_what_a_status_proves_depends_on_the_call(
    status: int, create: type[UpstreamError], again: type[UpstreamError]
):
    """After a create call anything that is not a clear no leaves open whether it made something."""
    with pytest.raises(UpstreamError) as trouble:
        check_created(reply(status))
    assert type(trouble.value) is create
    with pytest.raises(UpstreamError) as trouble:
        check_answered(reply(status))
    assert type(trouble.value) is again


@pytest.mark.parametrize(
    ("body", "message", "code"),
    [
        (b'{"error": {"message": "too big", "code": "size"}}', "too big", "size"),
        (b'{"error": {"message": "too big", "type": "bad"}}', "too big", "bad"),
        (b'{"error": {"message": null}}', "", None),
        (b'{"error": "too big"}', "too big", None),
        (b'{"message": "too big"}', "too big", None),
        (b'{"detail": "too big"}', "too big", None),
        (b"too big", "too big", None),
        (b"\xff\xfe", "��", None),
        (b"", "", None),
        (b"[]", "[]", None),
        (b"null", "null", None),
    ],
)
def test_a_refusal_has_the_providers_own_words(body: bytes, message: str, code: str | None):
    with pytest.raises(UpstreamRefused) as refused:
        check_created(reply(400, body))
    assert refused.value.message == f"the provider refused (400): {message}"
    assert (refused.value.error_code, refused.value.upstream_code) == ("upstream_refused", code)


def test_of_long_words_the_beginning_is_kept():
    for body in (b"x" * 10_000, b'{"error": {"message": "%s"}}' % (b"x" * 10_000)):
        with pytest.raises(UpstreamRefused) as refused:
            check_created(reply(400, body))
        assert refused.value.message.count("x") == EXCERPT
    assert len(failure("code", "x" * 10_000).message) == EXCERPT


@pytest.mark.parametrize("code", sorted(CONTENT_FILTERS))
def test_a_content_filter_is_known_by_each_of_its_names(code: str):
    with pytest.raises(UpstreamRefused) as refused:
        check_created(reply(400, b'{"error": {"message": "no", "code": "%s"}}' % code.encode()))
    assert refused.value.error_code == "content_filtered"
    assert failure(code, "no").code == "content_filtered"


class Shape(Reply):
    id: str
    progress: float | None = None


@pytest.mark.parametrize(
    "body",
    [
        *(b"", b"{", b"[]", b"null", b'"x"', b"{}", b'{"id": 5}', b'{"id": null}', b"\xff"),
        *(b'{"id": "1", "progress": NaN}', b'{"id": "1", "progress": 1e999}', b"<html>"),
        *(b'{"id": "1", "progress": {}}', b"[" * 100_000, b'{"id": "\\ud800"}'),
    ],
)
def test_a_body_that_is_not_what_was_expected_is_named_nonsense(body: bytes):
    with pytest.raises(
        UpstreamProtocolError, match=r"the provider's answer \(200\) makes no sense"
    ):
        read(reply(body=body), Shape)


def test_what_is_not_used_is_not_looked_at():
    body = b'{"id": "1", "progress": 4, "more": [NaN, {"deep": null}]}'
    assert read(reply(body=body), Shape) == Shape(id="1", progress=4)
