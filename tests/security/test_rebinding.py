"""DNS rebinding: names whose addresses change between the check and the connection.

A listener on this machine is the protected host; no connection may reach it.
"""

from collections.abc import Iterator
from itertools import cycle
from typing import Any

import pytest
from typing_extensions import override

from rushes.errors import RushesError
from rushes.http import ssrf
from tests.raw_http import RawServer, reply, serving
from tests.security.corpus import PUBLIC
from tests.security.entry_points import ENTRIES, Entry, answering, download, make_http_client
from tests.security.observed_connections import Observer, observing

pytestmark = pytest.mark.enable_socket
ANSWERS = {
    "public, then inside": [[PUBLIC], ["127.0.0.1"]],
    "inside, then public": [["127.0.0.1"], [PUBLIC]],
    "both, in either order": [[PUBLIC, "127.0.0.1"], ["127.0.0.1", PUBLIC]],
    "both, in disguise": [[PUBLIC, "::ffff:127.0.0.1"], [PUBLIC, "64:ff9b::7f00:1"]],
    "twice public, then inside": [[PUBLIC], [PUBLIC], ["127.0.0.1"]],
    "no address, then inside": [[], ["127.0.0.1"]],
    "very many, and one inside": [[*[PUBLIC] * 500, "127.0.0.1"]],
}


class Rebinding(Observer):
    """Resolver with one name whose addresses change at each lookup."""

    answers_in_turn: Iterator[list[str]]
    look_ups = 0

    @override
    def addresses(self, host: str) -> list[str]:
        if host != "rebinding.example":
            return super().addresses(host)
        self.look_ups += 1
        return next(self.answers_in_turn)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[RawServer]:
    """Listen on the one port that is allowed."""
    with serving() as server:
        server.answers["/"] = reply(b"secret")
        monkeypatch.setitem(ssrf.PORTS, "https", server.server_address[1])
        yield server


@pytest.fixture(params=ANSWERS)
def observer(request: Any, server: RawServer) -> Iterator[Rebinding]:
    observer = Rebinding(listeners=(("127.0.0.1", server.server_address[1]),))
    observer.answers_in_turn = cycle(ANSWERS[request.param])
    with observing(observer):
        yield observer


@pytest.mark.parametrize("entry", ENTRIES.values(), ids=ENTRIES)
def test_rebinding_never_reaches_the_listener(server: RawServer, observer: Rebinding, entry: Entry):
    url = f"https://rebinding.example:{server.server_address[1]}/"
    http_client = make_http_client()
    for _ in range(6):
        try:
            entry(http_client, url)
        except RushesError:
            continue
    assert server.connections == 0
    assert {host for host, _ in observer.connected} <= {PUBLIC}


def test_connection_makes_one_dns_lookup(server: RawServer, observer: Rebinding):
    url = f"https://rebinding.example:{server.server_address[1]}/"
    with pytest.raises(RushesError):
        ENTRIES["a webhook"](make_http_client(), url)
    assert observer.look_ups == 1


def test_resumption_checks_the_host_again(server: RawServer):
    observer = Rebinding(listeners=(("127.0.0.1", server.server_address[1]),))
    observer.answers_in_turn = iter([[PUBLIC], ["127.0.0.1"], ["127.0.0.1"], ["127.0.0.1"]])
    cut = reply(b"fil", content_length="9", accept_ranges="bytes", etag='"1"')
    with observing(observer), answering(cut), pytest.raises(RushesError, match="not a public host"):
        download(make_http_client(), f"https://rebinding.example:{server.server_address[1]}/video")
    assert observer.look_ups == 2
    assert server.connections == 0
    assert not observer.connected
