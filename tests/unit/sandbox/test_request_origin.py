"""Requests that a page of another site can cause are refused; those of SDKs are not."""

import asyncio
from typing import Any

import pytest

from sandbox.request_origin import RefuseForeignPages, joined_headers, refusal

LOCAL = {"host": "127.0.0.1:8787"}
SDK = [
    LOCAL,
    {"host": "localhost"},
    {"host": "LOCALHOST:80"},
    {"host": "[::1]:8787"},
    {**LOCAL, "origin": "http://localhost:3000"},
    {**LOCAL, "origin": "https://127.0.0.1"},
    {**LOCAL, "sec-fetch-site": "same-site"},
    {**LOCAL, "sec-fetch-site": "none"},
    {**LOCAL, "origin": "null", "sec-fetch-site": "same-site"},  # a redirect between local servers
]
FOREIGN_HOSTS = [
    *("", "evil.example", "evil.example:8787", "127.0.0.1.evil.example", "127.0.0.1:8787,evil"),
    *("127.0.0.1@evil.example", "127.0.0.2", "0.0.0.0", "[::]", "localhost.", "localhost:123456"),  # noqa: S104
    *("2130706433", "127.0.0.1:", "xlocalhost", "localhost:8787 ", "169.254.169.254"),
]
FOREIGN_ORIGINS = [
    *("https://evil.example", "null", "", "http://127.0.0.1.evil.example", "file://"),
    *("http://localhost@evil.example", "http://evil.example#localhost", "chrome-extension://abc"),
    *("http://localhost:3000,https://evil.example", "http://localhost/"),
]


@pytest.mark.parametrize("headers", SDK)
def test_local_request_is_accepted(headers: dict[str, str]):
    assert refusal(headers) is None


@pytest.mark.parametrize("host", FOREIGN_HOSTS)
def test_foreign_host_is_refused(host: str):
    assert "Host" in (refusal({"host": host}) or "")


@pytest.mark.parametrize("origin", FOREIGN_ORIGINS)
def test_foreign_origin_is_refused(origin: str):
    assert "Origin" in (refusal({**LOCAL, "origin": origin}) or "")


@pytest.mark.parametrize("site", ["cross-site", "none", "same-origin", "", "same-site,same-site"])
def test_null_origin_is_refused_except_of_the_same_site(site: str):
    assert refusal({**LOCAL, "origin": "null", "sec-fetch-site": site}) is not None


def test_cross_site_fetch_without_origin_is_refused():
    assert "Sec-Fetch-Site" in (refusal({**LOCAL, "sec-fetch-site": "cross-site"}) or "")


def test_request_without_host_is_refused():
    assert refusal({}) is not None


def test_refused_value_is_cut():
    assert len(refusal({"host": "x" * 5000}) or "") < 200


def test_repeated_headers_are_judged_together():
    raw = [(b"Host", b"127.0.0.1"), (b"origin", b"http://localhost"), (b"Origin", b"https://evil")]
    assert refusal(joined_headers(raw)) is not None


def answers(kind: str, host: bytes) -> list[str]:
    """Return the types of the messages that a guarded application sends."""
    sent: list[str] = []

    async def app(_: Any, __: Any, send: Any) -> None:
        await send({"type": "app"})

    async def send(message: Any) -> None:
        sent.append(message["type"])

    async def receive() -> Any:
        return {"type": "http.request"}

    scope = {"type": kind, "headers": [(b"host", host)]}
    asyncio.run(RefuseForeignPages(app)(scope, receive, send))
    return sent


def test_middleware_refuses_requests_and_web_sockets():
    assert answers("http", b"localhost") == ["app"]
    assert answers("websocket", b"localhost") == ["app"]
    assert answers("lifespan", b"evil.example") == ["app"]
    assert answers("http", b"evil.example") == ["http.response.start", "http.response.body"]
    assert answers("websocket", b"evil.example") == ["websocket.close"]
