"""Header values of any content: a bounded number or None, never an exception."""

import math
from email.utils import formatdate

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from rushes.header_values import (
    MAX_RETRY_AFTER,
    parse_content_length,
    parse_http_date,
    parse_retry_after,
)

NOW = 1_800_000_000.0
IN_A_MINUTE = formatdate(NOW + 60, usegmt=True)
HOSTILE = [
    "Fri, 15 Jan 99999999999999999999 08:10:00 GMT",
    "Fri, 15 Jan 2027 08:10:00 +99999999999999999999",
    "Fri, 15 Jan 2027 99999999999999999999:10:00 GMT",
    "Fri, 99 Jan 2027 08:10:00 GMT",
    "Fri, 00 Jan 0000 00:00:00 GMT",
    f"Fri, 15 Jan {'9' * 5000} 08:10:00 GMT",
    "0 0 0 0 0",
    "1, 2",
    "-5",
    "+5",
    "1e9",
    "nan",
    "inf",
    "-Infinity",
    "1_000",
    "0x10",
    "5 s",
    "٣٠٠",
    "²",
    "½",
    "Fri, \u0661\u0665 Jan 2027 08:10:00 GMT",
    "\x00",
    "",
    " ",
    ",",
    "()",
    "(((((((((",
]


@pytest.mark.parametrize("value", HOSTILE)
def test_unusable_retry_after_is_none(value: str):
    assert parse_retry_after(value, NOW) is None


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        *(("0", 0), (" 90 ", 90), ("1.5", 1.5), ("7.", 7), ("86401", MAX_RETRY_AFTER)),
        *((str(10**400), MAX_RETRY_AFTER), ("9" * 5000, MAX_RETRY_AFTER)),
        *((IN_A_MINUTE, 60), (formatdate(NOW - 60, usegmt=True), 0)),
        ("Fri, 15 Jan 9999 08:10:00 GMT", MAX_RETRY_AFTER),
        *(("Fri Jan 15 08:01:00 2027", 60), ("Fri, 15 Jan 2027 08:01:00 -0000", 60)),
        ("Fri, 15 Jan 2027 09:01:00 +0100", 60),
    ],
)
def test_retry_after_is_seconds_or_a_date_up_to_a_day(value: str, seconds: float):
    assert parse_retry_after(value, NOW) == seconds


def test_retry_after_date_requires_the_time_it_is_compared_with():
    assert parse_retry_after(IN_A_MINUTE, None) is None
    assert parse_retry_after("60", None) == 60


DATES = st.builds(
    "{}, {} {} {} {}:{}:{} {}".format,
    st.sampled_from(["Fri", "", "Xyz"]),
    *(st.integers(), st.sampled_from(["Jan", "Feb", "Foo"]), st.integers(), st.integers()),
    *(st.integers(), st.integers(), st.sampled_from(["GMT", "+9999", "-99999999", "", "EST"])),
)


@given(value=st.text() | st.integers().map(str) | st.floats().map(str) | DATES)
@example(value="Fri, 15 Jan 0001 00:00:00 +2359")
def test_any_retry_after_is_bounded_or_none(value: str):
    seconds = parse_retry_after(value, NOW)
    assert seconds is None or 0 <= seconds <= MAX_RETRY_AFTER


@given(value=st.text() | DATES)
def test_any_date_is_finite_or_none(value: str):
    date = parse_http_date(value)
    assert date is None or math.isfinite(date)


@pytest.mark.parametrize(
    ("value", "length"),
    [("0", 0), (" 12 ", 12), ("9" * 18, 10**18 - 1), ("9" * 19, None), ("9" * 5000, None)]
    + [(value, None) for value in ("5, 5", "-1", "1.0", "1_0", "٣", "", None)],
)
def test_content_length_is_a_decimal_number_or_none(value: str | None, length: int | None):
    assert parse_content_length(value) == length
