"""Every way by which somebody else's address gets into a connection, outside local mode."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from unittest.mock import patch

import httpcore

from rushes.http.client import SafeHttpClient
from rushes.http.ssrf import check_public
from rushes.jobs.request import StoredFile
from rushes.jobs.result import Output
from rushes.ports import Upstream
from tests.fakes import FakeBlobs
from tests.raw_http import reply
from tests.security.corpus import PUBLIC

UPSTREAM = Upstream("https://provider.example/v1", {"authorization": "Bearer upstream-key"})
PICTURE = StoredFile(key="inputs/one", content_type="image/png", size=3)
HEADERS = {"content-type": "application/json", "webhook-id": "evt_1"}
Entry = Callable[[SafeHttpClient, str], object]


def make_door() -> SafeHttpClient:
    blobs = FakeBlobs()
    blobs.objects[PICTURE.key] = b"one"
    return SafeHttpClient(blobs, local_mode=False)


def download(door: SafeHttpClient, url: str) -> None:
    # Behind a space, as an address that begins with a stroke is a path of the provider's.
    with door.download(UPSTREAM, Output(url=f" {url}" if url.startswith("/") else url)) as it:
        b"".join(it.chunks)


def redirected(entry: Entry, start: str) -> Entry:
    """The entry with a good address, which then leads to the one in question."""

    def enter(door: SafeHttpClient, url: str) -> None:
        with answering(reply(b"", "302 Found", location=url)):
            entry(door, start)

    return enter


@contextmanager
def answering(answer: bytes) -> Iterator[None]:
    """The provider and the public address answer; whoever else is connected to, really is."""
    real = httpcore.SyncBackend.connect_tcp

    def connect(
        backend: httpcore.SyncBackend, host: str, *given: object, **named: object
    ) -> httpcore.NetworkStream:
        if host in (PUBLIC, "provider.example"):
            return httpcore.MockStream([answer])
        return real(backend, host, *given, **named)  # type: ignore[arg-type]

    with patch.object(httpcore.SyncBackend, "connect_tcp", connect):
        yield


ENTRIES: dict[str, Entry] = {
    "a client's picture": lambda door, url: door.fetch(url, 100),
    "a provider's output": download,
    "a provider's address to upload to": lambda door, url: door.put(url, PICTURE),
    "a webhook": lambda door, url: door.notify(url, HEADERS, b"{}"),
    "a webhook that is being registered": lambda _, url: check_public(url, local_mode=False),
    "where a picture's address leads": redirected(
        lambda door, url: door.fetch(url, 100), "https://files.example/"
    ),
    "where an output's address leads": redirected(download, "https://files.example/"),
    "where the provider's own address leads": redirected(
        download, "https://provider.example/v1/film"
    ),
}
NOT_FOLLOWED: dict[str, Entry] = {
    "a provider's address to upload to": redirected(
        lambda door, url: door.put(url, PICTURE), "https://files.example/"
    ),
    "a webhook": redirected(
        lambda door, url: door.notify(url, HEADERS, b"{}"), "https://files.example/"
    ),
}
"""Where a redirect is an answer like any other."""
