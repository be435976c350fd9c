"""Where the way out does not lead, on AWS: nothing here is connected to, only recorded."""

import socket
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import httpcore
import httpx
import pytest
from typing_extensions import override

from rushes.errors import InvalidInputFile, InvalidOutput, UpstreamUnreachable, UrlNotAllowed
from rushes.http.client import SafeHttpClient
from rushes.http.connections import Deadline, PinnedBackend
from rushes.http.transport import make_transport
from rushes.jobs.result import Output
from rushes.ports import HttpCall, Upstream
from tests.fakes import FakeBlobs
from tests.raw_http import reply

UPSTREAM = Upstream("https://provider.example/v1", {"authorization": "Bearer upstream-key"})
PUBLIC = "93.184.216.34"
Names: TypeAlias = dict[str, list[str]]


@dataclass
class Net:
    """A recorder in the place of the network: names, connections and what was sent over them."""

    names: Names = field(default_factory=dict)
    answers: dict[str, bytes] = field(default_factory=dict)
    """What a host of that name or address answers."""
    looked_up: list[str] = field(default_factory=list)
    connected: list[tuple[str, int]] = field(default_factory=list)
    dead: list[str] = field(default_factory=list)
    """Addresses that nobody answers at."""
    sent: list[bytes] = field(default_factory=list)

    def connect_tcp(self, host: str, port: int, *_: object, **__: object) -> httpcore.NetworkStream:
        self.connected.append((host, port))
        if host in self.dead:
            raise httpcore.ConnectTimeout("nobody there")
        return _Recorded([self.answers.get(host, reply(b"film"))], self.sent)

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
def door() -> SafeHttpClient:
    return SafeHttpClient(FakeBlobs(), local_mode=False)


def download(door: SafeHttpClient, url: str) -> bytes:
    with door.download(UPSTREAM, Output(url=url, needs_key=True)) as it:
        return b"".join(it.chunks)


INSIDE = [
    *("127.0.0.1", "127.1", "2130706433", "0x7f000001", "0x7f.0.0.1", "0177.0.0.1", "017700000001"),
    *("localhost", "LOCALHOST", "localhost.", "0", "[::]", "[::1]", "[0:0:0:0:0:0:0:1]"),
    "0.0.0.0",  # noqa: S104 - not to bind to
    *("169.254.169.254", "2852039166", "0xa9fea9fe", "0251.0376.0251.0376", "169.254.170.2"),
    *("[::ffff:169.254.169.254]", "[::ffff:a9fe:a9fe]", "[::ffff:127.0.0.1]", "[fd00:ec2::254]"),
    *("10.0.0.1", "10.1", "172.16.0.1", "192.168.1.1", "192.168.257", "100.100.100.200"),
    *("[64:ff9b::7f00:1]", "[64:ff9b::a9fe:a9fe]", "[64:ff9b:1::7f00:1]", "[2002:7f00:1::]"),
    *(
        "[2002:a9fe:a9fe::]",
        "[2001:0:7f00:1::]",
        "[fe80::1]",
        "[fc00::1]",
        "[ff02::1]",
        "[::7f00:1]",
    ),
    *("224.0.0.1", "255.255.255.255", "198.18.0.1", "168.63.129.16", "192.0.0.192"),
]


@pytest.mark.parametrize("host", INSIDE)
@pytest.mark.parametrize("port", ["", ":9001"])
def test_nothing_inside_is_connected_to_however_it_is_written(
    net: Net, door: SafeHttpClient, host: str, port: str
):
    url = f"https://{host}{port}/latest/meta-data"
    with pytest.raises(InvalidInputFile, match="cannot be fetched"):
        door.fetch(url, 100)
    with pytest.raises(
        (InvalidOutput, UpstreamUnreachable)
    ):  # the latter where nothing has the name
        download(door, url)
    assert not net.connected


@pytest.mark.parametrize(
    "url",
    [
        *("http://files.example/film", "HTTP://files.example/film", "//files.example/film"),
        *("ftp://files.example/film", "file:///proc/self/environ", "gopher://files.example/"),
        *("https://user@files.example/film", "https://user:secret@files.example/film"),
        *("https://:secret@files.example/", "https://files.example:secret@169.254.169.254/"),
        *("https://provider.example\\@files.example/", "https://files.example:70000/"),
    ],
)
def test_only_https_without_a_user_name_is_connected_to(net: Net, door: SafeHttpClient, url: str):
    net.names["files.example"] = [PUBLIC]
    with pytest.raises(InvalidInputFile, match="cannot be fetched"):
        door.fetch(url, 100)
    if not url.startswith("//"):  # which is a path, to a provider
        with pytest.raises(InvalidOutput):
            download(door, url)
    assert not net.connected


@pytest.mark.parametrize(
    "addresses",
    [
        *(["10.0.0.1"], ["10.0.0.1", PUBLIC], [PUBLIC, "10.0.0.1"], [PUBLIC, "::1"]),
        *(["2606:4700::1111", PUBLIC, "169.254.169.254"], []),
    ],
)
def test_a_name_is_good_only_if_all_its_addresses_are(
    net: Net, door: SafeHttpClient, addresses: list[str]
):
    net.names["files.example"] = addresses
    with pytest.raises(InvalidOutput, match="not on the open internet"):
        download(door, "https://files.example/film")
    assert not net.connected


@pytest.mark.parametrize("address", [PUBLIC, "2606:4700::1111", "52.216.0.1"])
def test_a_public_name_is_connected_to_by_the_address_that_was_judged(
    net: Net, door: SafeHttpClient, address: str
):
    net.names["files.example"] = [address, "1.1.1.1"]
    assert download(door, "https://files.example/film") == b"film"
    assert net.connected == [(address, 443)]
    assert b"Host: files.example\r\n" in net.sent[0]
    assert b"upstream-key" not in b"".join(net.sent)


def test_where_one_address_is_dead_the_next_is_tried(net: Net, door: SafeHttpClient):
    """A host with IPv6 is no use to a function without, as long as it comes first."""
    net.names["files.example"] = ["2606:4700::1111", PUBLIC]
    net.dead = ["2606:4700::1111"]
    assert download(door, "https://files.example/film") == b"film"
    assert net.connected == [("2606:4700::1111", 443), (PUBLIC, 443)]


def test_of_very_many_dead_addresses_a_few_are_tried(net: Net, door: SafeHttpClient):
    net.dead = net.names["files.example"] = [f"1.1.1.{n}" for n in range(1, 200)]
    with pytest.raises(UpstreamUnreachable, match="ConnectTimeout"):
        download(door, "https://files.example/film")
    assert len(net.connected) == 4


def test_a_name_that_changes_its_mind_gains_nothing(
    net: Net, door: SafeHttpClient, monkeypatch: pytest.MonkeyPatch
):
    """One look-up, one judgement, one connection: there is no second look-up to lie to."""
    minds = iter([(PUBLIC,), ("169.254.169.254",)])
    monkeypatch.setattr("rushes.http.ssrf.resolve", lambda *_: next(minds))
    assert download(door, "https://rebinding.example/film") == b"film"
    assert (net.connected, net.looked_up) == ([(PUBLIC, 443)], [])
    with pytest.raises(InvalidOutput, match="not on the open internet"):
        download(door, "https://rebinding.example/film")
    assert len(net.connected) == 1


@pytest.mark.parametrize(
    "location",
    [
        *(
            "https://169.254.169.254/latest/meta-data",
            "https://inside.example/",
            "//127.0.0.1:9001/",
        ),
        *("http://files.example/film", "https://user@files.example/", "file:///etc/passwd"),
    ],
)
def test_a_redirect_is_judged_like_a_first_address(net: Net, door: SafeHttpClient, location: str):
    net.names |= {"files.example": [PUBLIC], "inside.example": ["10.0.0.7"]}
    net.answers[PUBLIC] = reply(b"", "302 Found", location=location)
    with pytest.raises(InvalidOutput):
        download(door, "https://files.example/film")
    with pytest.raises(InvalidInputFile):
        door.fetch("https://files.example/film", 100)
    assert net.connected == [(PUBLIC, 443)] * 2


def test_a_provider_that_the_deployer_named_may_be_inside(net: Net, door: SafeHttpClient):
    """Your own server in your own network; what it redirects to is judged all the same."""
    net.names["provider.example"] = ["10.0.0.5"]
    net.answers["provider.example"] = reply(b"", "302 Found", location="https://10.0.0.6/film")
    assert door.send(UPSTREAM, HttpCall("GET", "/videos/1")).status == 302
    with pytest.raises(InvalidOutput, match="not on the open internet"):
        download(door, "/videos/1/content")
    assert net.connected == [("provider.example", 443)] * 2


def test_a_clients_picture_at_the_providers_inside_address_is_refused(
    net: Net, door: SafeHttpClient
):
    net.names["provider.example"] = ["10.0.0.5"]
    with pytest.raises(InvalidInputFile, match="not on the open internet"):
        door.fetch("https://provider.example/secret.png", 100)
    assert not net.connected


def test_a_name_that_does_not_resolve_is_worth_another_look(
    net: Net, door: SafeHttpClient, monkeypatch: pytest.MonkeyPatch
):
    def nobody(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "unknown")

    monkeypatch.setattr(socket, "getaddrinfo", nobody)
    with pytest.raises(UpstreamUnreachable):
        download(door, "https://nowhere.example/film")
    assert not net.connected


def test_httpx_still_has_the_seam_that_the_guard_stands_in(net: Net):
    """`_pool._network_backend` is private: a new httpx may connect without asking it."""

    class Asked(PinnedBackend):
        hosts: tuple[str, ...] = ()

        @override
        def connect_tcp(self, host: str, *given: Any, **named: Any) -> httpcore.NetworkStream:
            self.hosts += (host,)
            return super().connect_tcp(host, *given, **named)

    connector = Asked(Deadline(5), public=True)
    with make_transport(httpx.create_ssl_context(), connector) as transport:
        assert isinstance(transport._pool, httpcore.ConnectionPool)
        assert transport._pool._network_backend is connector
        assert not transport._pool._retries
        net.names["files.example"] = [PUBLIC]
        transport.handle_request(httpx.Request("GET", "https://files.example/"))
        with pytest.raises(UrlNotAllowed):
            transport.handle_request(httpx.Request("GET", "https://127.0.0.1/"))
    assert connector.hosts == ("files.example", "127.0.0.1")
    assert net.connected == [(PUBLIC, 443)]
