"""Hostile headers and query parameters."""

import json
from collections.abc import Iterator
from typing import Any

from tests.security.corpora.case import JSON, Case, naughty_strings
from tests.security.corpora.routes import VIDEO

UNUSUAL = (
    "", " ", ",", ",,,", ";", "=", "\t", "\x00", "\x7f", "\r\nx: y", "\u00e9", "\udcff", "\u202e",
    "0", "-1", "1", "1.5", "1e400", "9" * 5000, "NaN", "true", "null", "[]", "{}", '"', "'", "%",
    "a" * 10_000, "a,b", "a, b, c", "a;q=0", "*", "*/*", "../..", "https://[", "http://127.0.0.1/",
    "https://hooks.example/in", "https://hooks.example:443@169.254.169.254/", "\ufffe", "\u0661",
    "identity", "gzip", "gzip, gzip", "br", "deflate", "chunked", "bytes=0-", 'W/"x"', "normal",
)  # fmt: skip
HEADERS = (
    "authorization", "x-api-key", "x-bf-vk", "content-type", "content-encoding", "content-length",
    "idempotency-key", "x-stainless-retry-count", "x-fal-queue-priority", "x-fal-request-timeout",
    "x-fal-store-io", "x-fal-object-lifecycle-preference", "x-fal-runner-hint", "x-pipelet-output",
    "x-pipelet-webhook", "accept", "host", "origin", "range", "x-forwarded-for", "x-request-id",
    "cookie", "x-amzn-trace-id", "transfer-encoding", "user-agent",
)  # fmt: skip
SCHEMES = ("Bearer", "bearer", "Basic", "Key", "Digest", "AWS4-HMAC-SHA256", "Negotiate", "")
POSTS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("/openai/v1/videos", VIDEO), ("/v1/videos", VIDEO), ("/v2/videos", {"model": "video"}),
    ("/fal/sandbox/video", {"prompt": "x"}), ("/pipelet/queue/sandbox/video", {"prompt": "x"}),
    ("/queue/sandbox/video", {"prompt": "x"}), ("/v1/async/sandbox/video", {"input": {}}),
    ("/v1/webhook_endpoints", {"url": "https://hooks.example/in"}),
)  # fmt: skip
GETS = ("/openai/v1/videos", "/v1/videos", "/openai/v1/videos/{job}", "/v1/webhook_endpoints")
QUERIES = (
    ("GET", "/openai/v1/videos", ("limit", "after", "order", "provider", "before", "limit[]")),
    ("GET", "/v1/videos", ("limit", "after", "order", "provider")),
    ("GET", "/openai/v1/videos/{job}/content", ("variant", "download")),
    ("POST", "/v1/input/upload-url", ("extension", "contentType", "contentLength")),
    ("POST", "/v1/async/sandbox/video", ("serviceTier", "unknown")),
    ("POST", "/fal/sandbox/video", ("fal_webhook", "unknown")),
    ("POST", "/queue/sandbox/video", ("fal_webhook", "sync")),
    ("GET", "/v1/webhook_endpoints", ("limit", "after", "unknown")),
    ("GET", "/v1/webhook_endpoints/{endpoint}/attempts", ("limit", "after")),
    ("GET", "/openai/v1/webhook_endpoints", ("limit", "after")),
    ("GET", "/fal/sandbox/video/requests/{job}/status", ("logs", "unknown")),
)


def cases() -> Iterator[Case]:
    yield from _header_cases()
    for method, path, names in QUERIES:
        for index, name in enumerate(names):
            yield from _query_cases(method, path, name, index)


def _header_cases() -> Iterator[Case]:
    texts = naughty_strings()
    for index, header in enumerate(HEADERS):
        for number, value in enumerate((*UNUSUAL, *texts[index % 4 :: 4])):
            yield _header_case(f"{header} is value {number}", number, {header: value})
    for scheme in SCHEMES:
        for number, value in enumerate((*UNUSUAL, *texts[::9])):
            name = f"authorization {scheme} with value {number}"
            yield _header_case(name, number, {"authorization": f"{scheme} {value}"})
    for number, text in enumerate(texts[::3]):
        yield _header_case(f"header named {text[:40]!r}", number, {text: text})


def _query_cases(method: str, path: str, name: str, index: int) -> Iterator[Case]:
    body = b'{"input": {}, "prompt": "x"}' if method == "POST" else None
    for number, value in enumerate((*UNUSUAL, *naughty_strings()[index % 8 :: 8])):
        title = f"{method} {path}: {name} is value {number}"
        yield Case(title, method, path, body, JSON, {name: value})


def _header_case(name: str, number: int, headers: dict[str, str]) -> Case:
    """Send the header to a create route or, every third time, to a route that reads."""
    if number % 3 == 2:
        path = GETS[number // 3 % len(GETS)]
        query = {"provider": "sandbox"} if path == "/v1/videos" else {}
        return Case(f"GET {path}: {name}", "GET", path, headers=headers, query=query)
    path, body = POSTS[number % len(POSTS)]
    whole = {**JSON, **headers}
    return Case(f"POST {path}: {name}", "POST", path, json.dumps(body).encode(), whole)
