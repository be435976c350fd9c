"""Every operation that connects to an untrusted URL, outside local mode."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from unittest.mock import patch

import httpcore

from rushes.http.client import SafeHttpClient
from rushes.http.ssrf import check_public
from rushes.jobs.request import StoredFile
from rushes.jobs.result import Output
from rushes.ports.http import Upstream
from tests.fakes import FakeBlobs
from tests.raw_http import reply
from tests.security.corpus import PUBLIC

UPSTREAM = Upstream("https://provider.example/v1", {"authorization": "Bearer upstream-key"})
IMAGE = StoredFile(key="inputs/one", content_type="image/png", size=3)
HEADERS = {"content-type": "application/json", "webhook-id": "evt_1"}
Entry = Callable[[SafeHttpClient, str], object]


def make_http_client() -> SafeHttpClient:
    blobs = FakeBlobs()
    blobs.objects[IMAGE.key] = b"one"
    return SafeHttpClient(blobs, local_mode=False)


def download(http_client: SafeHttpClient, url: str) -> None:
    # The space keeps a URL that begins with a slash from being a path at the provider.
    output = Output(url=f" {url}" if url.startswith("/") else url)
    with http_client.download(UPSTREAM, output) as stream:
        b"".join(stream.chunks)


def redirected(entry: Entry, start: str) -> Entry:
    """Call the entry with a good URL that redirects to the one under test."""

    def enter(http_client: SafeHttpClient, url: str) -> None:
        with answering(reply(b"", "302 Found", location=url)):
            entry(http_client, start)

    return enter


@contextmanager
def answering(answer: bytes) -> Iterator[None]:
    """Let the provider and the public address answer; other connections are real."""
    real = httpcore.SyncBackend.connect_tcp

    def connect(
        backend: httpcore.SyncBackend, host: str, *given: object, **named: object
    ) -> httpcore.NetworkStream:
        if host in (PUBLIC, "provider.example"):
            return httpcore.MockStream([answer])
        return real(backend, host, *given, **named)  # type: ignore[arg-type]

    with patch.object(httpcore.SyncBackend, "connect_tcp", connect):
        yield


DIRECT: dict[str, Entry] = {
    "an input": lambda http_client, url: http_client.fetch(url, 100),
    "an output": download,
    "an upload": lambda http_client, url: http_client.put(url, IMAGE),
    "a webhook": lambda http_client, url: http_client.post_webhook(url, HEADERS, b"{}"),
}
REDIRECTED = {name: redirected(entry, "https://files.example/") for name, entry in DIRECT.items()}
ENTRIES: dict[str, Entry] = {
    **DIRECT,
    "webhook registration": lambda _, url: check_public(url, local_mode=False),
    "a redirect of an input": REDIRECTED["an input"],
    "a redirect of an output": REDIRECTED["an output"],
    "a redirect of the provider": redirected(download, "https://provider.example/v1/video"),
}
NOT_FOLLOWED = {name: REDIRECTED[name] for name in ("an upload", "a webhook")}
"""Operations that do not follow redirects."""
