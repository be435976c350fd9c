import gzip
import socket
import threading
import time
from contextlib import suppress
from io import BufferedIOBase

import httpx
import pytest

from rushes.errors import InvalidInputFile, InvalidOutput, UpstreamNoResponse, UpstreamUnreachable
from rushes.http import client, transport
from rushes.http.client import SafeHttpClient
from rushes.ports.http import Upstream
from tests.fakes import FakeBlobs
from tests.raw_http import RawServer, chunked, reply
from tests.unit.http.responses import CREATE, DRIP, KEY, VIDEO, Provider


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"HTTP/1.1 200 OK\r\ncontent-le",
        b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{",
        b"SSH-2.0-OpenSSH_9.2\r\n",
        chunked(b'{"id": ', end=False),
        reply(b"no gzip at all", content_encoding="gzip"),
        b"HTTP/1.1 200 OK\r\ncontent-length: -5\r\n\r\n",
    ],
    ids=["nothing", "half a head", "half a body", "not HTTP", "cut", "bad gzip", "bad length"],
)
def test_send_without_complete_response_raises_no_response(provider: Provider, answer: bytes):
    with pytest.raises(UpstreamNoResponse, match=r"the provider did not respond \(") as raised:
        provider.send(answer)
    assert (raised.value.detail or "").startswith("127.0.0.1: ")
    assert (provider.server.connections, len(provider.server.received)) == (1, 1)


def test_send_read_timeout_raises_no_response(provider: Provider, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(transport, "TIMEOUT", httpx.Timeout(0.2, connect=30))
    with pytest.raises(UpstreamNoResponse, match=r"did not respond \(timeout\)") as raised:
        provider.send(lambda _: time.sleep(60))
    assert "ReadTimeout" in (raised.value.detail or "")
    assert provider.server.connections == 1


def test_send_slow_response_ends_at_the_deadline(
    provider: Provider, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(client, "CALL_SECONDS", 1.0)
    with pytest.raises(UpstreamNoResponse, match=r"did not respond \(timeout\)"):
        provider.send(DRIP)


def test_send_to_closed_port_raises_unreachable(provider: Provider):
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    with pytest.raises(UpstreamUnreachable, match=r"cannot be reached \(connection refused\)"):
        provider.client.send(Upstream(f"http://127.0.0.1:{port}", {}), CREATE)


def test_send_to_unresolvable_host_raises_unreachable(
    provider: Provider, monkeypatch: pytest.MonkeyPatch
):
    def fail(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "unknown")

    monkeypatch.setattr(socket, "getaddrinfo", fail)
    with pytest.raises(UpstreamUnreachable, match=r"reached \(name not resolved\)") as raised:
        provider.client.send(Upstream("http://nowhere.example", {}), CREATE)
    assert "nowhere.example" in (raised.value.detail or "")


def test_send_to_server_without_tls_raises_unreachable(provider: Provider):
    provider.server.answers[""] = b""
    base_url = provider.server.url.replace("http:", "https:")
    with pytest.raises(UpstreamUnreachable):
        provider.client.send(Upstream(base_url, {}), CREATE)


def test_send_decodes_a_gzip_response(provider: Provider):
    assert provider.send(reply(gzip.compress(b"{}"), content_encoding="gzip")).body == b"{}"


def test_transport_uses_each_connection_once(provider: Provider):
    """A connection may be closed while the function is frozen."""
    hung_up = threading.Semaphore(0)

    def answer_and_stay(writer: BufferedIOBase) -> None:
        writer.write(reply(b"{}", connection="keep-alive"))
        with suppress(OSError):
            while True:
                time.sleep(0.01)
                writer.write(b"x")
        hung_up.release()

    for calls in (1, 2):
        provider.send(answer_and_stay)
        assert provider.server.connections == calls
        assert hung_up.acquire(timeout=60)


def test_transport_keeps_no_cookies(provider: Provider):
    for _ in range(2):
        provider.send(reply(b"{}", set_cookie="job=one; Path=/"))
    assert all("cookie" not in received.headers for received in provider.server.received)


@pytest.mark.parametrize("name", ["HTTP_PROXY", "ALL_PROXY", "http_proxy", "all_proxy"])
def test_transport_ignores_proxy_variables(
    provider: Provider, other_server: RawServer, monkeypatch: pytest.MonkeyPatch, name: str
):
    monkeypatch.setenv(name, other_server.url)
    provider.client = SafeHttpClient(FakeBlobs(), local_mode=True)
    provider.send(reply())
    assert (provider.server.connections, other_server.connections) == (1, 0)


def test_fetch_follows_three_redirects(provider: Provider):
    for number in range(4):
        provider.server.answers[f"/{number}"] = redirect(f"/{number + 1}")
    provider.server.answers["/4"] = reply(b"image")
    assert provider.client.fetch(f"{provider.server.url}/1", 100).content == b"image"
    with pytest.raises(InvalidInputFile, match="more than 3 redirects"):
        provider.client.fetch(f"{provider.server.url}/0", 100)


def redirect(location: str) -> bytes:
    return reply(b"", "302 Go", location=location)


def test_follow_drops_the_key_at_another_origin(provider: Provider, other_server: RawServer):
    provider.server.answers["/v2/video"] = redirect(f"{other_server.url}/video")
    other_server.answers["/video"] = reply(VIDEO)
    assert provider.download_video(redirect("/v2/video")) == VIDEO
    keys = [received.headers.get("authorization") for received in provider.server.received]
    assert keys == [*KEY.values()] * 2
    assert "authorization" not in other_server.received[0].headers


def test_follow_does_not_send_the_key_again_after_leaving_the_origin(
    provider: Provider, other_server: RawServer
):
    other_server.answers["/video"] = redirect(f"{provider.server.url}/v1/account")
    provider.server.answers["/v1/account"] = reply(VIDEO)
    provider.download_video(redirect(f"{other_server.url}/video"))
    assert "authorization" not in provider.server.received[1].headers


def test_follow_refuses_a_fourth_redirect(provider: Provider):
    with pytest.raises(InvalidOutput, match="more than 3 redirects"):
        provider.download_video(redirect("/v1/video"))
    assert provider.server.connections == 4


def test_error_that_is_its_own_cause_has_a_name():
    """An error that is raised again gets the handled one, which it caused, as its context."""
    first, second = OSError("first"), ConnectionResetError("second")
    first.__context__, second.__context__ = second, first
    assert transport.failure_of(first) == transport.failure_of(ConnectionResetError())
