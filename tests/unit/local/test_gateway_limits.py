"""Sizes that API Gateway and Lambda compare with their limits, and the stage's throttle."""

import json
from typing import Any

import pytest

from local.gateway_limits import (
    HEADER_BYTES,
    INVOKE_BYTES,
    TokenBucket,
    head_size,
    json_size,
    split_cookies,
)
from tests.fakes import FakeClock


@pytest.mark.parametrize(
    ("value", "size"),
    [
        ({"a": 1, "b": [2]}, len('{"a":1,"b":[2]}')),
        ('"', 4),
        ("\n\\", 6),
        ("é", 4),
        ("\N{FACE WITH TEARS OF JOY}", 6),
        (None, 4),
    ],
)
def test_json_size_is_that_of_compact_utf8(value: Any, size: int):
    assert json_size(value) == size


def test_lone_surrogate_has_a_size():
    assert json_size(json.loads('"\\ud800"')) == 5


def test_file_of_four_and_a_half_megabytes_fits_in_an_event():
    base64_length = -(-4_500_000 // 3) * 4
    assert base64_length < INVOKE_BYTES - HEADER_BYTES


def scope(target: bytes, query: bytes, *headers: tuple[bytes, bytes]) -> dict[str, Any]:
    return {
        "method": "GET",
        "path": "/decoded",
        "raw_path": target,
        "query_string": query,
        "headers": headers,
    }


def test_head_size_counts_the_line_and_header_values():
    assert head_size(scope(b"/a%2Fb", b"")) == len("GET /a%2Fb HTTP/1.1")
    assert head_size(scope(b"/", b"a=1")) == len("GET /?a=1 HTTP/1.1")
    with_headers = scope(b"/", b"", (b"host", b"x.example"), (b"long-name", b"12"))
    assert head_size(with_headers) == len("GET / HTTP/1.1") + 11


@pytest.mark.parametrize(
    ("header", "cookies"),
    [
        ("a=1; b=2", ["a=1", "b=2"]),
        ("a=1;b=2;", ["a=1", "b=2"]),
        ("a=1; b=2,c=3", ["a=1", "b=2", "c=3"]),
        ("a", ["a"]),
        ("", []),
        (" ; ", []),
    ],
)
def test_cookies_are_split(header: str, cookies: list[str]):
    assert split_cookies(header) == cookies


def test_bucket_admits_a_burst_and_then_its_rate():
    clock = FakeClock()
    bucket = TokenBucket(2, 3, clock)
    assert [bucket.take() for _ in range(4)] == [True, True, True, False]
    clock.advance(0.5)
    assert [bucket.take() for _ in range(2)] == [True, False]
    clock.advance(60)
    assert [bucket.take() for _ in range(4)] == [True, True, True, False]


def test_bucket_of_rate_zero_admits_no_more_than_its_burst():
    clock = FakeClock()
    bucket = TokenBucket(0, 1, clock)
    assert bucket.take()
    clock.advance(3600)
    assert not bucket.take()
