"""Hostile multipart bodies for every route that accepts multipart."""

import random
from collections.abc import Iterator

from tests.security.corpora.case import Case, naughty_strings
from tests.security.corpora.routes import BodyRoute, body_routes

BOUNDARY = b"limit"
TYPE = "multipart/form-data; boundary=limit"
PNG = b"\x89PNG\r\n\x1a\n" + bytes(16)
TYPES = (
    "multipart/form-data", "multipart/form-data;", "multipart/form-data; boundary=",
    'multipart/form-data; boundary=""', 'multipart/form-data; boundary="limit"',
    "multipart/form-data; boundary=limit; boundary=other", "multipart/form-data; boundary=lim it",
    "multipart/form-data; boundary=limit; charset=utf-16", "MULTIPART/FORM-DATA; BOUNDARY=limit",
    "multipart/form-data; boundary=" + "x" * 5000, "multipart/form-data; boundary=\u00e9",
    "multipart/mixed; boundary=limit", "multipart/", "multipart/form-data, application/json",
    "multipart/form-data; boundary=limit\r\nx: y", "multipart/form-data; boundary*=utf-8''limit",
    "multipart/form-data; boundary=--limit", "multipart/form-data; boundary=\x00",
    "multipart/form-data; =limit", "application/x-www-form-urlencoded", "text/plain", "*/*", "",
)  # fmt: skip
DISPOSITIONS = (
    "form-data", "form-data; name", "form-data; name=", 'form-data; name=""', "form-data; name=a",
    'form-data; name="a', 'form-data; name="a"; name="b"', 'form-data; name="a"; filename=""',
    'form-data; name="a"; filename="../../x"', 'form-data; name="a"; filename="\x00.png"',
    "form-data; name*=utf-8''a", 'form-data; name="a\\"b"', 'form-data; name="a%00b"',
    'form-data; name="[]"', 'form-data; name="a[]"', 'form-data; name="a[b]"',
    'form-data; name="a[b][c]"', 'form-data; name="a[[]]"', 'form-data; name="][a"',
    'attachment; name="a"', 'form-data; name="' + "n" * 5000 + '"', ";", "", 'name="a"',
    'form-data; name="__proto__"', 'form-data; name="prompt"; filename="prompt.txt"',
    'form-data; name="input_reference"; filename*=utf-8\'\'%ff', "form-data; name=\xff",
)  # fmt: skip
PART_HEADERS = (
    "Content-Type: text/plain; charset=utf-16", "Content-Type: text/plain; charset=nonsense",
    "Content-Type:", "Content-Type: " + "x" * 5000, "Content-Transfer-Encoding: base64",
    "Content-Encoding: gzip", "Content-Length: 99999999", "Content-Length: -1", "X" * 5000 + ": y",
    ": no name", "no colon", "\x00: x", "X: \x00", " folded: x", "X: a\r\n folded",
    'Content-Disposition: form-data; name="other"', *(f"X-{n}: {n}" for n in range(10)),
)  # fmt: skip
BYTES = (b"\0", b"\r", b"\n", b'"', b"-", b"\xff", b":", b";", b"\r\n", b"--limit", b"=")


def routes() -> tuple[BodyRoute, ...]:
    return tuple(route for route in body_routes() if route.accepts_multipart)


def cases() -> Iterator[Case]:
    for route in routes():
        whole = _form(route)
        yield from _types(route, whole)
        yield from _parts(route)
        yield from _counts(route)
        yield from _damaged(route, whole)
        yield from _naughty(route)


def _case(route: BodyRoute, name: str, body: bytes, content_type: str = TYPE) -> Case:
    headers = {"content-type": content_type}
    return Case(f"{route.name}: {name}", route.method, route.path, body, headers)


def _part(disposition: str, value: bytes, *headers: str) -> bytes:
    head = "\r\n".join([f"Content-Disposition: {disposition}", *headers])
    return b"--limit\r\n" + head.encode("utf-8", "surrogateescape") + b"\r\n\r\n" + value + b"\r\n"


def _fields(route: BodyRoute) -> list[bytes]:
    texts = {name: str(value) for name, value in route.fields.items()}
    return [_part(f'form-data; name="{name}"', text.encode()) for name, text in texts.items()]


def _form(route: BodyRoute) -> bytes:
    file = 'form-data; name="input_reference"; filename="a.png"'
    parts = [*_fields(route), _part(file, PNG, "Content-Type: image/png")]
    return b"".join(parts) + b"--limit--\r\n"


def _types(route: BodyRoute, whole: bytes) -> Iterator[Case]:
    for number, content_type in enumerate(TYPES):
        yield _case(route, f"content type {number}", whole, content_type)
        yield _case(route, f"empty body of content type {number}", b"", content_type)


def _parts(route: BodyRoute) -> Iterator[Case]:
    fields = b"".join(_fields(route))
    for number, disposition in enumerate(DISPOSITIONS):
        for value in (b"", b"x", b"\xff\xfe", PNG, b"--limit--", b"x" * 20_000):
            body = fields + _part(disposition, value) + b"--limit--\r\n"
            yield _case(route, f"disposition {number} with {len(value)} bytes", body)
    for number, header in enumerate(PART_HEADERS):
        for disposition in ('form-data; name="seed"', 'form-data; name="a"; filename="b"'):
            body = fields + _part(disposition, b"1", header) + b"--limit--\r\n"
            yield _case(route, f"part header {number}", body)
            yield _case(route, f"part header {number} repeated", body.replace(b"X", b"Y") * 2)


def _counts(route: BodyRoute) -> Iterator[Case]:
    for count in (0, 1, 2, 31, 32, 33, 64, 1000):
        for name in ("a", "a{}", "a[]", "a[{}]", "input_reference"):
            parts = [
                _part(f'form-data; name="{name.format(number)}"', b"1") for number in range(count)
            ]
            yield _case(route, f"{count} parts {name}", b"".join(parts) + b"--limit--\r\n")


def _damaged(route: BodyRoute, whole: bytes) -> Iterator[Case]:
    """Cut the form, and replace, insert or remove bytes of it."""
    chance = random.Random(route.name)  # noqa: S311 - deterministic
    for place in range(0, len(whole), 3):
        yield _case(route, f"cut at {place}", whole[:place])
    for number in range(600):
        place, length = chance.randrange(len(whole)), chance.randrange(4)
        noise = chance.choice(BYTES)
        body = whole[:place] + noise + whole[place + length :]
        yield _case(route, f"damage {number}", body)
    for ending in (b"", b"--limit", b"--limit-", b"--limit--", b"--limit--\r\n--limit\r\n", b"x"):
        body = whole.removesuffix(b"--limit--\r\n") + ending
        yield _case(route, f"ending {ending!r}", body)
        yield _case(route, f"line feeds and {ending!r}", body.replace(b"\r\n", b"\n"))


def _naughty(route: BodyRoute) -> Iterator[Case]:
    names = (*route.fields, *route.optional, "unknown")
    for number, text in enumerate(naughty_strings()):
        name = names[number % len(names)]
        parts = [
            _part(f'form-data; name="{name}"', text.encode()),
            _part(f'form-data; name="{text}"', b"1"),
            _part(f'form-data; name="input_reference"; filename="{text}"', PNG),
        ]
        body = parts[number % 3] + b"--limit--\r\n"
        yield _case(route, f"naughty string {number}", body)
