"""Warnings in a response header."""

import re

from rushes.dialects.response_headers import MAX_WARNING_BYTES, warning_headers

MEMBER = re.compile(r'"((?:[ !#-\[\]-~]|\\["\\])*)"')
"""A string of RFC 9651."""


def parsed(value: str) -> list[str]:
    members = MEMBER.findall(value)
    assert ", ".join(f'"{member}"' for member in members) == value
    return [re.sub(r"\\(.)", r"\1", member) for member in members]


def test_no_warning_has_no_header() -> None:
    assert warning_headers(()) == {}


def test_each_warning_is_a_string_of_the_list() -> None:
    warnings = ("seconds 12 was changed to 8, the nearest", 'a "b" \\ c')
    header = warning_headers(warnings)["rushes-warning"]
    assert header == r'"seconds 12 was changed to 8, the nearest", "a \"b\" \\ c"'
    assert parsed(header) == list(warnings)


def test_value_is_printable_ascii() -> None:
    header = warning_headers(("caf\u00e9\r\nset-cookie: x=1\x00\ud800",))["rushes-warning"]
    assert header == '"caf???set-cookie: x=1??"'


def test_header_is_bounded_and_keeps_the_latest_warnings() -> None:
    warnings = [f"{number}: {'x' * 290}" for number in range(20)]
    header = warning_headers(warnings)["rushes-warning"]
    assert len(header) <= MAX_WARNING_BYTES
    kept = parsed(header)
    assert kept == warnings[-len(kept) :]
    assert len(kept) == 6
