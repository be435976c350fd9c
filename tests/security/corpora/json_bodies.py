"""Hostile JSON bodies for every route that reads one."""

import json
from collections.abc import Iterator
from typing import Any

from tests.security.corpora.case import JSON, Case, json_test_suite, naughty_strings
from tests.security.corpora.routes import BodyRoute, body_routes

UNUSUAL: tuple[Any, ...] = (
    None, True, False, 0, -1, 1, 1e308, 1e-308, -0.0, 10**18, 2**63, 2**64, 10**40, 0.1, "", " ",
    "4", "0x10", "1e400", "NaN", "-0", "9" * 400, "\u0661", "\ufffe", "\u202e", "\ud800", "\x00",
    "\x7f", "x" * 40_000, "../../etc/passwd", "http://[", "https://169.254.169.254/", "file:///x",
    "data:image/png;base64,", "data:;base64,\u00e9", "javascript:alert(1)", "%", "{}", "[]",
    [], {}, [[]], [None], [{}], {"": ""}, {"id": ""}, {"url": None}, {"__proto__": {}},
    ["x"] * 2000, {str(n): n for n in range(2000)}, [[[[[[[[]]]]]]]],
)  # fmt: skip
"""Values for every field."""
RAW = (
    b"", b" ", b"null", b"true", b"0", b'""', b"[]", b"{}", b"{", b"}", b"\xff", b"\xef\xbb\xbf{}",
    b"\xff\xfe{\x00}\x00", b"{}{}", b"{},", b"{'a': 1}", b'{"a": 1,}', b'{"a": 1} x', b"//\n{}",
    b'{"prompt": "a", "prompt": "b"}', b'{"prompt": "\\ud800"}', b'{"prompt": "\\u0000"}',
    b'{"prompt": "a\nb"}', b'{"prompt": NaN}', b'{"prompt": Infinity}', b'{"seconds": 1e999}',
    b'{"seconds": ' + b"9" * 5000 + b"}", b'{"a":' * 40 + b"1" + b"}" * 40, b"[" * 3000,
    b'{"' + b"k" * 100_000 + b'": 1}', b'{"prompt": "' + b"\\u00e9" * 30_000 + b'"}',
    b"a" * 100_000, b"\x00" * 1000, b'{"\\u0000": 1}', b'{"a.b": {"c": [1, {"d": 2}]}}',
)  # fmt: skip


def cases() -> Iterator[Case]:
    suite, strings = json_test_suite(), naughty_strings()
    for route in body_routes():
        for name, content in suite.items():
            yield _case(route, f"JSONTestSuite {name}", content)
        for number, content in enumerate(RAW):
            yield _case(route, f"raw {number}", content)
        yield from _changed_fields(route)
        yield from _naughty_fields(route, strings)
        yield from _embedded(route, suite)


def _case(route: BodyRoute, name: str, body: bytes) -> Case:
    return Case(f"{route.name}: {name}", route.method, route.path, body, {**JSON, **route.headers})


def _changed_fields(route: BodyRoute) -> Iterator[Case]:
    for field in (*route.fields, *route.optional, "unknown"):
        for number, value in enumerate(UNUSUAL):
            body = json.dumps({**route.fields, field: value}).encode()
            yield _case(route, f"{field} is unusual value {number}", body)


def _naughty_fields(route: BodyRoute, strings: tuple[str, ...]) -> Iterator[Case]:
    """Put each string into one field, and use it as a field's name."""
    names = tuple(route.fields) or ("unknown",)
    for number, text in enumerate(strings):
        field = names[number % len(names)]
        changed = {**route.fields, field: text}
        yield _case(route, f"{field} is naughty string {number}", json.dumps(changed).encode())
    for number, text in enumerate(strings[::5]):
        named = json.dumps({**route.fields, text: text}).encode()
        yield _case(route, f"field named by naughty string {5 * number}", named)


def _embedded(route: BodyRoute, suite: dict[str, bytes]) -> Iterator[Case]:
    """Put the suite's documents into a field of an otherwise accepted body."""
    names = (*route.fields, *route.optional) or ("unknown",)
    for number, (name, content) in enumerate(suite.items()):
        if len(content) < 1000:
            field = names[number % len(names)]
            others = {key: value for key, value in route.fields.items() if key != field}
            whole = json.dumps(others)[1:-1].encode()
            body = b'{"%s": %s%s}' % (field.encode(), content, b", " + whole if whole else b"")
            yield _case(route, f"{field} is JSONTestSuite {name}", body)
