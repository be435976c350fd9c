"""No entry point connects to a URL of the corpus; all connect to good URLs."""

from collections.abc import Iterator
from contextlib import suppress

import httpx
import pytest

from rushes.errors import RushesError, UpstreamError
from rushes.http.client import SafeHttpClient
from tests.security.corpus import PUBLIC, corpus, harmless
from tests.security.entry_points import DIRECT, ENTRIES, NOT_FOLLOWED, Entry, make_http_client
from tests.security.observed_connections import Observer, observing

pytestmark = pytest.mark.enable_socket  # the observer refuses all connections and must see them
CORPUS = corpus()
NEIGHBOURS = (
    *("1.1.1.1", "8.8.8.8", "172.15.255.255", "172.32.0.1", "100.63.255.255", "100.128.0.1"),
    *("169.253.255.255", "192.169.0.1", "198.20.0.1", "223.255.255.254"),
)
"""Public addresses, most of them next to a special range."""
GOOD = {
    "https://files.example": PUBLIC,
    "https://files.example/": PUBLIC,
    "HTTPS://FILES.EXAMPLE/Video.mp4": PUBLIC,
    "https://files.example:443/video.mp4": PUBLIC,
    "https://files.example:/video.mp4": PUBLIC,
    "https://files.example./video.mp4": PUBLIC,
    "https://files.example/a/b/../video.mp4?X-Amz-Signature=a%2Fb&x=1#t=1": PUBLIC,
    "https://files.example/user@example.org/video.mp4?to=https://127.0.0.1/": PUBLIC,
    "https://files.example/Der kleine Fuchs/ü.mp4": PUBLIC,
    f"https://files.example/{'x' * 4000}": PUBLIC,
    "https://bücher.example/video.mp4": PUBLIC,
    "https://xn--bcher-kva.example/video.mp4": PUBLIC,
    "https://two.example/video.mp4": "2606:4700::1111",
    f"https://{PUBLIC}/video.mp4": PUBLIC,
    "https://52.216.0.1/bucket/key": "52.216.0.1",
    "https://[2606:4700::1111]/video.mp4": "2606:4700::1111",
    "https://[2600:1F18::1]:443/video.mp4": "2600:1f18::1",
    "https://[2a00:1450:4001::200e]/": "2a00:1450:4001::200e",
    "https://[2003::1]/": "2003::1",
    **{f"https://{address}/": address for address in NEIGHBOURS},
}


@pytest.fixture
def observer() -> Iterator[Observer]:
    with observing(Observer()) as observer:
        yield observer


@pytest.fixture(scope="module")
def http_client() -> SafeHttpClient:
    return make_http_client()


def test_corpus_has_the_documented_size():
    assert len(CORPUS) == len(set(CORPUS)) >= 3800
    assert len(ENTRIES) == 8


def test_observer_sees_connections_of_an_unprotected_client(observer: Observer):
    """Without this, an empty record would prove nothing."""
    with httpx.HTTPTransport(trust_env=False) as transport:
        for url in CORPUS:
            with suppress(httpx.HTTPError, httpx.InvalidURL, ValueError, OverflowError):
                transport.handle_request(httpx.Request("GET", url))
    seen = {host for host, _ in observer.connected}
    assert len(observer.connected) > 2000
    assert {"127.0.0.1", "169.254.169.254", "::1", "fd00:ec2::254", "192.168.0.9"} <= seen


@pytest.mark.parametrize("entry", ENTRIES.values(), ids=ENTRIES)
def test_no_url_of_the_corpus_is_connected_to(
    observer: Observer, http_client: SafeHttpClient, entry: Entry
):
    for url in CORPUS:
        with pytest.raises(RushesError):
            entry(http_client, url)
        assert observer.connected == [], url


@pytest.mark.parametrize("entry", NOT_FOLLOWED.values(), ids=NOT_FOLLOWED)
def test_redirects_to_the_corpus_are_not_followed(
    observer: Observer, http_client: SafeHttpClient, entry: Entry
):
    for url in CORPUS[::10]:
        with suppress(UpstreamError):
            entry(http_client, url)
        assert observer.connected == [], url


@pytest.mark.parametrize("entry", ENTRIES.values(), ids=ENTRIES)
@pytest.mark.parametrize("url", harmless())
def test_harmless_lookalikes_connect_to_their_real_host(
    observer: Observer, http_client: SafeHttpClient, entry: Entry, url: str
):
    with suppress(RushesError):
        entry(http_client, url)
    assert {host for host, _ in observer.connected} <= {PUBLIC}


@pytest.mark.parametrize("entry", DIRECT.values(), ids=DIRECT)
@pytest.mark.parametrize("url", GOOD)
def test_good_url_is_connected_to(
    observer: Observer, http_client: SafeHttpClient, entry: Entry, url: str
):
    with pytest.raises(RushesError) as raised:  # as the observer refuses every connection
        entry(http_client, url)
    assert observer.connected[0] == (GOOD[url], 443)
    assert "UpstreamUnreachable" in repr((raised.value, raised.value.__cause__))


@pytest.mark.parametrize("url", GOOD)
def test_good_url_may_be_registered(observer: Observer, http_client: SafeHttpClient, url: str):
    ENTRIES["webhook registration"](http_client, url)
    assert not observer.connected
