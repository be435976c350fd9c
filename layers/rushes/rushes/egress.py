"""The one way out to the internet.

Two kinds of destination: the providers' own origins, which the deployer named and which get the
provider's key; and addresses that somebody else named (a picture's, an output's, a redirect's),
which get no key and must be public: resolved once, every answer judged, the judged one used.
"""

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import httpx

from rushes.addresses import AddressRefused, PublicBackend
from rushes.contents import bytes_of, content_of
from rushes.errors import (
    BadInputFile,
    BadOutput,
    OutputInterrupted,
    ProviderNotConfigured,
    UpstreamBusy,
    UpstreamConfused,
    UpstreamSilent,
    UpstreamUnreachable,
)
from rushes.job import Output
from rushes.ports import Blobs, Download, HttpCall, HttpReply, Upstream
from rushes.request import StoredFile, Upload
from rushes.unpacking import unpack
from rushes.wire import TIMEOUT, in_time, make_client, opened, origin, parsed, read

REPLY_BYTES = 48 * 1024 * 1024
"""Some providers answer with whole films in base64."""
OUTPUT_SECONDS = 840.0
"""Less than the collect function may run, so that it is the one that says what went wrong."""
REDIRECTS = 3
FETCH_TIMEOUT = httpx.Timeout(8)
"""For what clients point at: all redirects together must leave the function time for its call."""


class HttpEgress:
    """`local_mode` lets http and private addresses through: everything is on one machine there."""

    def __init__(self, blobs: Blobs, *, local_mode: bool) -> None:
        self._blobs = blobs
        self._local_mode = local_mode
        context = ssl.create_default_context()
        self._trusted = make_client(context)
        self._guarded = self._trusted if local_mode else make_client(context, PublicBackend())

    def send(self, upstream: Upstream, call: HttpCall) -> HttpReply:
        """Make one call, once: no retry and no redirect.

        Raises
        ------
        UpstreamUnreachable
            If nothing was sent.
        UpstreamSilent
            If something was, and no whole answer came.
        """
        url = self._own_url(upstream, call)
        content = content_of(call, self._blobs)
        headers = {**call.headers, **upstream.headers}
        with opened(self._trusted, call.method, url, headers, content) as response:
            too_long = UpstreamConfused("the provider's answer is too long")
            body = read(response, REPLY_BYTES, too_long)
            return HttpReply(response.status_code, dict(response.headers), body)

    def fetch(self, url: str, limit: int) -> Upload:
        """A small file from an address that a client named.

        Raises
        ------
        BadInputFile
            If it cannot be had.
        """
        try:
            with self._follow(url, None, FETCH_TIMEOUT) as response:
                if response.status_code != 200:
                    raise BadInputFile(f"input_reference answered {response.status_code}")
                body = read(response, limit, BadInputFile("input_reference is too large"))
        except (AddressRefused, UpstreamUnreachable, UpstreamSilent) as error:
            raise BadInputFile(f"input_reference cannot be fetched: {error}") from error
        kind = response.headers.get("content-type", "application/octet-stream")
        return Upload("input_reference", kind, body)

    def put(self, url: str, file: StoredFile) -> None:
        """Send a file to an address that a provider gave for it; the provider's key stays here.

        Raises
        ------
        UpstreamError
            If it did not arrive.
        """
        content = {"content": bytes_of(file, self._blobs)}
        try:
            address = parsed(url)
            self._check(address, own=False)
            with opened(self._guarded, "PUT", address, {}, content) as response:
                if response.status_code >= 300:
                    raise UpstreamBusy(f"the upload was answered {response.status_code}")
        except AddressRefused as error:
            raise UpstreamConfused(f"the provider's upload address will not do: {error}") from error

    @contextmanager
    def download(self, upstream: Upstream, output: Output) -> Iterator[Download]:
        """An output as a stream. The key goes to the provider's own origin only."""
        if output.pointer is not None:
            yield self._unpacked(upstream, output, output.pointer)
            return
        relative = output.url.startswith("/")
        url = upstream.base_url + output.url if relative else output.url
        keyed = upstream if output.needs_key else replace(upstream, headers={})
        try:
            with self._follow(url, keyed) as response:
                _check_output(response)
                yield Download(
                    length=_length(response),
                    content_type=response.headers.get("content-type"),
                    chunks=_chunks(response),
                )
        except AddressRefused as error:
            raise BadOutput(f"the output cannot be fetched: {error}") from error

    def _unpacked(self, upstream: Upstream, output: Output, pointer: str) -> Download:
        """A file that stands in base64 inside a JSON reply."""
        method = "GET" if output.json_body is None else "POST"
        reply = self.send(upstream, HttpCall(method, output.url, json=output.json_body))
        content = unpack(reply, pointer)
        return Download(len(content), output.content_type, iter([content]))

    @contextmanager
    def _follow(
        self, address: str, upstream: Upstream | None, timeout: httpx.Timeout = TIMEOUT
    ) -> Iterator[httpx.Response]:
        """GET with redirects, each judged anew. Once one leads away, the key stays behind."""
        url = parsed(address)
        for _ in range(REDIRECTS + 1):
            if upstream and origin(url) != origin(parsed(upstream.base_url)):
                upstream = None
            self._check(url, own=upstream is not None)
            client = self._trusted if upstream else self._guarded
            headers = upstream.headers if upstream else {}
            with opened(client, "GET", url, headers, {"timeout": timeout}) as response:
                if not response.has_redirect_location:
                    yield response
                    return
                url = parsed(response.headers["location"], response.url)
        raise AddressRefused(f"more than {REDIRECTS} redirects")

    def _own_url(self, upstream: Upstream, call: HttpCall) -> httpx.URL:
        try:
            home, url = parsed(upstream.base_url), parsed(upstream.base_url + call.path)
            self._check(home, own=True)
        except AddressRefused as error:
            raise ProviderNotConfigured(f"the provider's base_url will not do: {error}") from error
        if origin(url) != origin(home):
            raise UpstreamConfused("the provider's path leads to somebody else")
        return url

    def _check(self, url: httpx.URL, *, own: bool) -> None:
        if not (url.scheme == "https" or (self._local_mode and url.scheme == "http")):
            raise AddressRefused(f"only https is spoken, not {url.scheme or 'nothing'}")
        if url.userinfo and not own:
            raise AddressRefused("addresses with a user name are not connected to")


def _check_output(response: httpx.Response) -> None:
    """Links die and servers stumble: another look may bring a fresh one."""
    status = response.status_code
    if status in (401, 403, 404, 408, 410, 429) or status >= 500:
        raise OutputInterrupted(f"the output's address answered {status}")
    if status != 200:
        raise BadOutput(f"the output's address answered {status}")
    encoding = response.headers.get("content-encoding", "identity")
    if encoding != "identity":
        raise BadOutput(f"the output came in an encoding not asked for ({encoding[:40]})")


def _length(response: httpx.Response) -> int | None:
    if "transfer-encoding" in response.headers:  # a length beside it does not count
        return None
    length = response.headers.get("content-length")
    return int(length) if length else None


def _chunks(response: httpx.Response) -> Iterator[bytes]:
    try:
        yield from in_time(response.iter_raw(), OUTPUT_SECONDS)
    except httpx.HTTPError as error:
        raise OutputInterrupted(f"the output broke off ({type(error).__name__})") from error
