"""No address of the corpus is connected to, by whatever entry it comes; good ones are."""

from collections.abc import Iterator
from contextlib import suppress

import httpx
import pytest

from rushes.errors import RushesError, UpstreamError
from rushes.http.client import SafeHttpClient
from tests.security.corpus import PUBLIC, corpus, harmless
from tests.security.entry_points import ENTRIES, NOT_FOLLOWED, Entry, make_door
from tests.security.observed_connections import Observer, observing

pytestmark = pytest.mark.enable_socket  # the observer lets none connect, and must see them all
CORPUS = corpus()
GOOD = {
    "https://files.example": PUBLIC,
    "https://files.example/": PUBLIC,
    "HTTPS://FILES.EXAMPLE/Film.mp4": PUBLIC,
    "https://files.example:443/film.mp4": PUBLIC,
    "https://files.example:/film.mp4": PUBLIC,
    "https://files.example./film.mp4": PUBLIC,
    "https://files.example/a/b/../film.mp4?X-Amz-Signature=a%2Fb&x=1#t=1": PUBLIC,
    "https://files.example/user@example.org/film.mp4?to=https://127.0.0.1/": PUBLIC,
    "https://files.example/Der kleine Fuchs/ü.mp4": PUBLIC,
    f"https://files.example/{'x' * 4000}": PUBLIC,
    "https://bücher.example/film.mp4": PUBLIC,
    "https://xn--bcher-kva.example/film.mp4": PUBLIC,
    "https://two.example/film.mp4": "2606:4700::1111",
    f"https://{PUBLIC}/film.mp4": PUBLIC,
    "https://1.1.1.1/": "1.1.1.1",
    "https://8.8.8.8/": "8.8.8.8",
    "https://52.216.0.1/bucket/key": "52.216.0.1",
    "https://172.15.255.255/": "172.15.255.255",
    "https://172.32.0.1/": "172.32.0.1",
    "https://100.63.255.255/": "100.63.255.255",
    "https://100.128.0.1/": "100.128.0.1",
    "https://169.253.255.255/": "169.253.255.255",
    "https://192.169.0.1/": "192.169.0.1",
    "https://198.20.0.1/": "198.20.0.1",
    "https://223.255.255.254/": "223.255.255.254",
    "https://[2606:4700::1111]/film.mp4": "2606:4700::1111",
    "https://[2600:1F18::1]:443/film.mp4": "2600:1f18::1",
    "https://[2a00:1450:4001::200e]/": "2a00:1450:4001::200e",
    "https://[2003::1]/": "2003::1",
}


@pytest.fixture
def observer() -> Iterator[Observer]:
    with observing(Observer()) as it:
        yield it


@pytest.fixture(scope="module")
def door() -> SafeHttpClient:
    return make_door()


def test_the_corpus_is_as_large_as_it_is_said_to_be():
    assert len(CORPUS) == len(set(CORPUS)) >= 3800
    assert len(ENTRIES) == 8


def test_the_observer_sees_what_an_unguarded_client_connects_to(observer: Observer):
    """Else seeing nothing would mean nothing."""
    with httpx.HTTPTransport(trust_env=False) as transport:
        for url in CORPUS:
            with suppress(httpx.HTTPError, httpx.InvalidURL, ValueError, OverflowError):
                transport.handle_request(httpx.Request("GET", url))
    seen = {host for host, _ in observer.connected}
    assert len(observer.connected) > 2000
    assert {"127.0.0.1", "169.254.169.254", "::1", "fd00:ec2::254", "192.168.0.9"} <= seen


@pytest.mark.parametrize("entry", ENTRIES.values(), ids=ENTRIES)
def test_nothing_of_the_corpus_is_connected_to(
    observer: Observer, door: SafeHttpClient, entry: Entry
):
    for url in CORPUS:
        with pytest.raises(RushesError):
            entry(door, url)
        assert observer.connected == [], url


@pytest.mark.parametrize("entry", NOT_FOLLOWED.values(), ids=NOT_FOLLOWED)
def test_where_redirects_are_not_followed_none_is(
    observer: Observer, door: SafeHttpClient, entry: Entry
):
    for url in CORPUS[::10]:
        with suppress(UpstreamError):
            entry(door, url)
        assert observer.connected == [], url


@pytest.mark.parametrize("entry", ENTRIES.values(), ids=ENTRIES)
@pytest.mark.parametrize("url", harmless())
def test_what_only_looks_dangerous_leads_where_the_rules_say(
    observer: Observer, door: SafeHttpClient, entry: Entry, url: str
):
    with suppress(RushesError):
        entry(door, url)
    assert {host for host, _ in observer.connected} <= {PUBLIC}


@pytest.mark.parametrize("entry", [*ENTRIES][:4])
@pytest.mark.parametrize("url", GOOD)
def test_a_good_address_is_connected_to(
    observer: Observer, door: SafeHttpClient, entry: str, url: str
):
    with pytest.raises(RushesError) as trouble:  # as the observer lets nobody through
        ENTRIES[entry](door, url)
    assert observer.connected[0] == (GOOD[url], 443)
    assert "UpstreamUnreachable" in repr((trouble.value, trouble.value.__cause__))


@pytest.mark.parametrize("url", GOOD)
def test_a_good_address_may_be_registered(observer: Observer, door: SafeHttpClient, url: str):
    ENTRIES["a webhook that is being registered"](door, url)
    assert not observer.connected
