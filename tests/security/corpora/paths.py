"""Hostile paths: ids in every route, and changed forms of the routes themselves."""

import re
from collections.abc import Iterator
from urllib.parse import quote

from tests.security.corpora.case import JSON, Case, naughty_strings
from tests.security.corpora.routes import all_routes

VARIABLE = re.compile(r"<\w+>")
METHODS = (
    *("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE", "CONNECT", "PROPFIND"),
    *("get", "", "X" * 50),
)
SEGMENTS = (
    "", "{key}", "{key}:sandbox", "{job}:{key}",
    ".", "..", "...", "%2e%2e", "%2f", "..%2f..%2fetc%2fpasswd", "..\\..", "%5c..%5c", "%00",
    "\x00", "%", "%zz", "%25", "%2525", "%c0%ae", "%ff", "%u0041", "~", "*", "?", "#", ";", "&",
    "=", "+", " ", "%20", "%09", "%0a", "%0d%0aSet-Cookie:x=1", "null", "undefined", "NaN", "-1",
    "0", "1e9", "9" * 400, "true", "[]", "{}", "{job}:", "{job}:openai", "{job}:sandbox",
    "{job}:sandbox:x", "{job}%3Asandbox", "{job}%253Asandbox", " {job}", "{job} ", "{job}/",
    "{job}%00", "{job}%2f..", "{job}.json", "{job};x=1", "{job}?x", "{job}#x", "JOB_1", "job_",
    "job_1", "job_%", "requests", "status", "cancel", "submit", "characters", "edits", "content",
    "__proto__", "constructor", "$default", "$(id)", "`id`", "${7*7}", "{{7*7}}", "<script>",
    "' OR 1=1--", "JOB#x", "pk=1", "\u00e9", "\u202e", "\ud800", "\uff0e\uff0e", "x" * 129,
    "x" * 5000, "a" * 128, "-", "_", "%e2%80%ae", "evt_1", "we_1", "msg_1",
)  # fmt: skip
PREFIXES = ("", "/", "/.", "/..", "//", "/%2e", "/x/..", "\\", " ", "/\x00", "/%2f", "/prod")
SUFFIXES = ("/", "//", "/.", "/..", "%2f", "?", "#", ";", "%00", ".json", "/x", "/\u00e9", " ")


def cases() -> Iterator[Case]:
    with_id = [(method, path) for method, path in all_routes() if "_id>" in path]
    strings = [segment for text in naughty_strings() for segment in (text, quote(text, safe=""))]
    for method, path in with_id:
        for number, segment in enumerate(SEGMENTS):
            yield _case(f"segment {number}", method, _filled(path, segment))
    for number, text in enumerate(strings):
        for offset in range(2):
            method, path = with_id[(7 * number + 31 * offset) % len(with_id)]
            yield _case(f"naughty string {number}", method, _filled(path, text))
    for method, path in all_routes():
        yield from _changed(method, _filled(path, "sandbox"))


def _case(name: str, method: str, path: str) -> Case:
    body = b'{"prompt": "x"}' if method == "POST" else None
    return Case(f"{method} {path[:60]!r}: {name}", method, path, body, JSON)


def _filled(path: str, segment: str) -> str:
    """Put the segment in the place of the id, and a model's name in the others."""
    parts = [segment if "_id>" in part else part for part in path.split("/")]
    return VARIABLE.sub("sandbox", "/".join(parts))


def _changed(method: str, path: str) -> Iterator[Case]:
    for prefix in PREFIXES:
        yield _case(f"prefix {prefix!r}", method, prefix + path)
    for suffix in SUFFIXES:
        yield _case(f"suffix {suffix!r}", method, path + suffix)
    yield _case("upper case", method, path.upper())
    yield _case("doubled slashes", method, path.replace("/", "//"))
    yield _case("encoded slashes", method, "/" + path[1:].replace("/", "%2f"))
    for other in METHODS:
        yield _case(f"method {other}", other, path)
