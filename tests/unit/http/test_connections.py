"""Connections outside local mode, recorded and not made."""

import socket
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import httpcore
import httpx
import pytest
from typing_extensions import override

from rushes.errors import (
    InvalidInputFile,
    InvalidOutput,
    UpstreamProtocolError,
    UpstreamUnreachable,
    UrlNotAllowed,
)
from rushes.http.client import SafeHttpClient
from rushes.http.connections import HTTPCORE_ERRORS, Deadline, PinnedBackend, exchange
from rushes.jobs.result import Output
from rushes.ports.http import HttpCall, Upstream
from tests.fakes import FakeBlobs
from tests.raw_http import reply

UPSTREAM = Upstream("https://provider.example/v1", {"authorization": "Bearer upstream-key"})
PUBLIC = "93.184.216.34"
Names: TypeAlias = dict[str, list[str]]


@dataclass
class Net:
    """Fake DNS and TCP that record lookups, connections and sent bytes."""

    names: Names = field(default_factory=dict)
    answers: dict[str, bytes] = field(default_factory=dict)
    """By host name or IP address."""
    looked_up: list[str] = field(default_factory=list)
    connected: list[tuple[str, int]] = field(default_factory=list)
    dead: list[str] = field(default_factory=list)
    """IP addresses that do not answer."""
    sent: list[bytes] = field(default_factory=list)

    def connect_tcp(self, host: str, port: int, *_: object, **__: object) -> httpcore.NetworkStream:
        self.connected.append((host, port))
        if host in self.dead:
            raise httpcore.ConnectTimeout("no answer")
        return _Recorded([self.answers.get(host, reply(b"video"))], self.sent)

    def resolve_pointer(self, host: str, port: int, **_: object) -> list[tuple[object, ...]]:
        self.looked_up.append(host)
        if host not in self.names:
            return list(_real_lookup(host, port, type=socket.SOCK_STREAM))
        return [(0, 0, 0, "", (address, port)) for address in self.names[host]]


class _Recorded(httpcore.MockStream):
    def __init__(self, answers: list[bytes], sent: list[bytes]) -> None:
        super().__init__(answers)
        self._sent = sent

    @override
    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        super().write(buffer, timeout)
        self._sent.append(buffer)


_real_lookup = socket.getaddrinfo


@pytest.fixture
def net(monkeypatch: pytest.MonkeyPatch) -> Net:
    net = Net()
    monkeypatch.setattr(
        httpcore.SyncBackend,
        "connect_tcp",
        lambda _, *given, **named: net.connect_tcp(*given, **named),
    )
    monkeypatch.setattr(socket, "getaddrinfo", net.resolve_pointer)
    return net


@pytest.fixture
def http_client() -> SafeHttpClient:
    return SafeHttpClient(FakeBlobs(), local_mode=False)


def download(http_client: SafeHttpClient, url: str) -> bytes:
    with http_client.download(UPSTREAM, Output(url=url, needs_key=True)) as stream:
        return b"".join(stream.chunks)


PRIVATE = [
    *("127.0.0.1", "127.1", "2130706433", "0x7f000001", "0x7f.0.0.1", "0177.0.0.1", "017700000001"),
    *("localhost", "LOCALHOST", "localhost.", "0", "[::]", "[::1]", "[0:0:0:0:0:0:0:1]"),
    "0.0.0.0",  # noqa: S104 - not to bind to
    *("169.254.169.254", "2852039166", "0xa9fea9fe", "0251.0376.0251.0376", "169.254.170.2"),
    *("[::ffff:169.254.169.254]", "[::ffff:a9fe:a9fe]", "[::ffff:127.0.0.1]", "[fd00:ec2::254]"),
    *("10.0.0.1", "10.1", "172.16.0.1", "192.168.1.1", "192.168.257", "100.100.100.200"),
    *("[64:ff9b::7f00:1]", "[64:ff9b::a9fe:a9fe]", "[64:ff9b:1::7f00:1]", "[2002:7f00:1::]"),
    *("[2002:a9fe:a9fe::]", "[2001:0:7f00:1::]", "[fe80::1]", "[fc00::1]", "[ff02::1]"),
    *("[::7f00:1]", "224.0.0.1", "255.255.255.255", "198.18.0.1", "168.63.129.16", "192.0.0.192"),
]


@pytest.mark.parametrize("host", PRIVATE)
@pytest.mark.parametrize("port", ["", ":9001"])
def test_client_never_connects_to_private_hosts_in_any_notation(
    net: Net, http_client: SafeHttpClient, host: str, port: str
):
    url = f"https://{host}{port}/latest/meta-data"
    with pytest.raises(InvalidInputFile, match="cannot be fetched"):
        http_client.fetch(url, 100)
    # The latter if the name does not resolve.
    with pytest.raises((InvalidOutput, UpstreamUnreachable)):
        download(http_client, url)
    assert not net.connected


@pytest.mark.parametrize(
    "url",
    [
        *("http://files.example/video", "HTTP://files.example/video", "//files.example/video"),
        *("ftp://files.example/video", "file:///proc/self/environ", "gopher://files.example/"),
        *("https://user@files.example/video", "https://user:secret@files.example/video"),
        *("https://:secret@files.example/", "https://files.example:secret@169.254.169.254/"),
        *("https://provider.example\\@files.example/", "https://files.example:70000/"),
    ],
)
def test_client_connects_only_to_https_without_user_name(
    net: Net, http_client: SafeHttpClient, url: str
):
    net.names["files.example"] = [PUBLIC]
    with pytest.raises(InvalidInputFile, match="cannot be fetched"):
        http_client.fetch(url, 100)
    if not url.startswith("//"):  # which is a path at the provider
        with pytest.raises(InvalidOutput):
            download(http_client, url)
    assert not net.connected


@pytest.mark.parametrize(
    "addresses",
    [
        *(["10.0.0.1"], ["10.0.0.1", PUBLIC], [PUBLIC, "10.0.0.1"], [PUBLIC, "::1"]),
        *(["2606:4700::1111", PUBLIC, "169.254.169.254"], []),
    ],
)
def test_host_with_any_private_address_is_refused(
    net: Net, http_client: SafeHttpClient, addresses: list[str]
):
    net.names["files.example"] = addresses
    with pytest.raises(InvalidOutput, match="not a public host"):
        download(http_client, "https://files.example/video")
    assert not net.connected


@pytest.mark.parametrize("address", [PUBLIC, "2606:4700::1111", "52.216.0.1"])
def test_connection_uses_the_checked_address(net: Net, http_client: SafeHttpClient, address: str):
    net.names["files.example"] = [address, "1.1.1.1"]
    assert download(http_client, "https://files.example/video") == b"video"
    assert net.connected == [(address, 443)]
    assert b"Host: files.example\r\n" in net.sent[0]
    assert b"upstream-key" not in b"".join(net.sent)


def test_connection_falls_back_to_the_next_address(net: Net, http_client: SafeHttpClient):
    """A function without IPv6 must reach a host whose first address is IPv6."""
    net.names["files.example"] = ["2606:4700::1111", PUBLIC]
    net.dead = ["2606:4700::1111"]
    assert download(http_client, "https://files.example/video") == b"video"
    assert net.connected == [("2606:4700::1111", 443), (PUBLIC, 443)]


def test_connection_tries_at_most_four_addresses(net: Net, http_client: SafeHttpClient):
    net.dead = net.names["files.example"] = [f"1.1.1.{n}" for n in range(1, 200)]
    with pytest.raises(UpstreamUnreachable, match="timeout"):
        download(http_client, "https://files.example/video")
    assert len(net.connected) == 4


def test_connection_resolves_a_host_once(
    net: Net, http_client: SafeHttpClient, monkeypatch: pytest.MonkeyPatch
):
    """There is no second lookup that could answer differently."""
    answers = iter([(PUBLIC,), ("169.254.169.254",)])
    monkeypatch.setattr("rushes.http.ssrf.resolve", lambda *_: next(answers))
    assert download(http_client, "https://rebinding.example/video") == b"video"
    assert (net.connected, net.looked_up) == ([(PUBLIC, 443)], [])
    with pytest.raises(InvalidOutput, match="not a public host"):
        download(http_client, "https://rebinding.example/video")
    assert len(net.connected) == 1


@pytest.mark.parametrize(
    "location",
    [
        *("https://169.254.169.254/latest/meta-data", "https://inside.example/"),
        *("//127.0.0.1:9001/", "http://files.example/video"),
        *("https://user@files.example/", "file:///etc/passwd"),
    ],
)
def test_redirect_target_is_checked_like_the_first_url(
    net: Net, http_client: SafeHttpClient, location: str
):
    net.names |= {"files.example": [PUBLIC], "inside.example": ["10.0.0.7"]}
    net.answers[PUBLIC] = reply(b"", "302 Found", location=location)
    with pytest.raises(InvalidOutput):
        download(http_client, "https://files.example/video")
    with pytest.raises(InvalidInputFile):
        http_client.fetch("https://files.example/video", 100)
    assert net.connected == [(PUBLIC, 443)] * 2


def test_configured_provider_may_be_private(net: Net, http_client: SafeHttpClient):
    """The operator may configure a private server; its redirects are still checked."""
    net.names["provider.example"] = ["10.0.0.5"]
    net.answers["provider.example"] = reply(b"", "302 Found", location="https://10.0.0.6/video")
    assert http_client.send(UPSTREAM, HttpCall("GET", "/videos/1")).status == 302
    with pytest.raises(InvalidOutput, match="not a public host"):
        download(http_client, "/videos/1/content")
    assert net.connected == [("provider.example", 443)] * 2


def test_fetch_refuses_the_providers_private_address(net: Net, http_client: SafeHttpClient):
    net.names["provider.example"] = ["10.0.0.5"]
    with pytest.raises(InvalidInputFile, match="not a public host"):
        http_client.fetch("https://provider.example/secret.png", 100)
    assert not net.connected


def test_unresolvable_host_raises_unreachable(
    net: Net, http_client: SafeHttpClient, monkeypatch: pytest.MonkeyPatch
):
    def fail(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "unknown")

    monkeypatch.setattr(socket, "getaddrinfo", fail)
    with pytest.raises(UpstreamUnreachable):
        download(http_client, "https://nowhere.example/video")
    assert not net.connected


def open_url(url: str, backend: httpcore.NetworkBackend) -> None:
    with exchange(httpx.Request("GET", url), httpx.create_ssl_context(), backend):
        pass


def test_exchange_connects_only_through_its_backend(net: Net):
    class RecordingBackend(PinnedBackend):
        hosts: tuple[str, ...] = ()

        @override
        def connect_tcp(self, host: str, *given: Any, **named: Any) -> httpcore.NetworkStream:
            self.hosts += (host,)
            return super().connect_tcp(host, *given, **named)

    backend = RecordingBackend(Deadline(5), public=True)
    net.names |= {"files.example": [PUBLIC], "dead.example": ["1.1.1.1"]}
    net.dead = ["1.1.1.1"]
    open_url("https://files.example/", backend)
    with pytest.raises(UrlNotAllowed):
        open_url("https://127.0.0.1/", backend)
    with pytest.raises(httpx.ConnectTimeout):
        open_url("https://dead.example/", backend)
    assert backend.hosts == ("files.example", "127.0.0.1", "dead.example"), "no retries"
    assert net.connected == [(PUBLIC, 443), ("1.1.1.1", 443)]


ERRORS = [
    error
    for error in vars(httpcore).values()
    if isinstance(error, type) and issubclass(error, Exception)
]


def test_httpx_error_exists_for_every_httpcore_error():
    unmapped = {error for error in ERRORS if not issubclass(error, HTTPCORE_ERRORS)}
    # Neither leaves a pool without a proxy.
    assert unmapped == {httpcore.ConnectionNotAvailable, httpcore.ProxyError}


@pytest.mark.parametrize("error", [e for e in ERRORS if issubclass(e, HTTPCORE_ERRORS)])
def test_exchange_raises_the_httpx_error_of_the_same_name(error: type[Exception]):
    class FailingBackend(httpcore.MockBackend):
        @override
        def connect_tcp(self, *_: Any, **__: Any) -> httpcore.NetworkStream:
            raise error("no")

    with pytest.raises(httpx.TransportError, match="no") as raised:
        open_url("https://files.example/", FailingBackend([]))
    assert type(raised.value).__name__ == error.__name__
    assert isinstance(raised.value.__cause__, error)


@pytest.mark.parametrize(
    "url",
    [
        *("https://169.254.169.254/latest", "https://inside.example/x", "//127.0.0.1:9001/"),
        *("http://polls.example/x", "https://user@polls.example/", "file:///etc/passwd"),
        *("https://polls.example:8443/x", "https://[::1/x", "https://localhost/x"),
    ],
)
def test_url_in_a_reply_passes_the_ssrf_check(net: Net, http_client: SafeHttpClient, url: str):
    net.names |= {"polls.example": [PUBLIC], "inside.example": ["10.0.0.7"]}
    with pytest.raises(UpstreamProtocolError, match="the provider's URL is invalid"):
        http_client.send(UPSTREAM, HttpCall("GET", url, relative_to="/videos/1"))
    output = Output(url=url, relative_to="/videos/1")
    with pytest.raises(InvalidOutput), http_client.download(UPSTREAM, output):
        pass
    assert net.connected == []


def test_url_in_a_reply_may_lead_to_another_public_host(net: Net, http_client: SafeHttpClient):
    net.names["polls.example"] = [PUBLIC]
    net.answers[PUBLIC] = reply(b"{}")
    call = HttpCall("GET", "https://polls.example/1", relative_to="/videos/1")
    assert http_client.send(UPSTREAM, call).status == 200
    assert b"upstream-key" not in b"".join(net.sent)
