"""Names that mean one thing to the judge and would mean another to the connection.

A listener on this machine stands for what is to be protected; nobody ever gets to it.
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
from tests.security.entry_points import ENTRIES, Entry, answering, download, make_door
from tests.security.observed_connections import Observer, observing

pytestmark = pytest.mark.enable_socket
ANSWERS = {
    "public, then inside": [[PUBLIC], ["127.0.0.1"]],
    "inside, then public": [["127.0.0.1"], [PUBLIC]],
    "both, in either order": [[PUBLIC, "127.0.0.1"], ["127.0.0.1", PUBLIC]],
    "both, in disguise": [[PUBLIC, "::ffff:127.0.0.1"], [PUBLIC, "64:ff9b::7f00:1"]],
    "twice public, then inside": [[PUBLIC], [PUBLIC], ["127.0.0.1"]],
    "nobody, then inside": [[], ["127.0.0.1"]],
    "very many, and one inside": [[*[PUBLIC] * 500, "127.0.0.1"]],
}


class Rebinding(Observer):
    """One name whose addresses are others at each look-up."""

    minds: Iterator[list[str]]
    look_ups = 0

    @override
    def addresses(self, host: str) -> list[str]:
        if host != "rebinding.example":
            return super().addresses(host)
        self.look_ups += 1
        return next(self.minds)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[RawServer]:
    """What must not be reached, at the one port that is connected to."""
    with serving() as it:
        it.answers["/"] = reply(b"secret")
        monkeypatch.setitem(ssrf.PORTS, "https", it.server_address[1])
        yield it


@pytest.fixture(params=ANSWERS)
def observer(request: Any, server: RawServer) -> Iterator[Rebinding]:
    observer = Rebinding(listeners=(("127.0.0.1", server.server_address[1]),))
    observer.minds = cycle(ANSWERS[request.param])
    with observing(observer):
        yield observer


@pytest.mark.parametrize("entry", ENTRIES.values(), ids=ENTRIES)
def test_the_listener_is_never_reached(server: RawServer, observer: Rebinding, entry: Entry):
    url = f"https://rebinding.example:{server.server_address[1]}/"
    door = make_door()
    for _ in range(6):
        try:
            entry(door, url)
        except RushesError:
            continue
    assert server.connections == 0
    assert {host for host, _ in observer.connected} <= {PUBLIC}


def test_one_look_up_is_made_for_a_connection(server: RawServer, observer: Rebinding):
    url = f"https://rebinding.example:{server.server_address[1]}/"
    with pytest.raises(RushesError):
        ENTRIES["a webhook"](make_door(), url)
    assert observer.look_ups == 1


def test_a_name_that_is_judged_good_and_then_moves_does_not_take_a_resumption_inside(
    server: RawServer,
):
    """A download that broke off is taken up again on a new connection, judged anew."""
    observer = Rebinding(listeners=(("127.0.0.1", server.server_address[1]),))
    observer.minds = iter([[PUBLIC], ["127.0.0.1"], ["127.0.0.1"], ["127.0.0.1"]])
    cut = reply(b"fil", content_length="9", accept_ranges="bytes", etag='"1"')
    with observing(observer), answering(cut), pytest.raises(RushesError, match="open internet"):
        download(make_door(), f"https://rebinding.example:{server.server_address[1]}/film")
    assert observer.look_ups == 2
    assert server.connections == 0
    assert not observer.connected
