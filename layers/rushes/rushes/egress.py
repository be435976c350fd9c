"""The one way out to the internet. The only user of httpx.

Two kinds of destination: the providers' own origins, which the deployer named and which get the
provider's key; and addresses that somebody else named (a picture's, an output's, a redirect's),
which get no key and must be public: resolved once, every answer judged, the judged one used.
"""

import ssl
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from urllib.parse import urljoin, urlsplit

import httpcore
import httpx
from typing_extensions import override

from rushes.addresses import is_public, resolve
from rushes.errors import (
    BadInputFile,
    BadOutput,
    OutputInterrupted,
    UpstreamConfused,
    UpstreamError,
    UpstreamSilent,
    UpstreamUnreachable,
)
from rushes.job import Output
from rushes.ports import Blobs, Download, FormFile, HttpCall, HttpReply, Upstream
from rushes.request import Upload

TIMEOUT = httpx.Timeout(connect=5, read=45, write=45, pool=5)
REPLY_BYTES = 10 * 1024 * 1024
REDIRECTS = 3
CHUNK_BYTES = 256 * 1024
NOTHING_SENT = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.UnsupportedProtocol,
)


class AddressRefused(httpx.UnsupportedProtocol):
    """The destination is none that we connect to; no connection was made."""


class _JudgingBackend(httpcore.NetworkBackend):
    """Connects by name, but only to addresses of the open internet."""

    def __init__(self) -> None:
        self._plain = httpcore.SyncBackend()

    @override
    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        try:
            addresses = resolve(host, port)
        except OSError as error:
            raise httpcore.ConnectError(f"{host} cannot be resolved") from error
        if not addresses or not all(is_public(address) for address in addresses):
            raise AddressRefused(f"{host} is not on the open internet")
        return self._plain.connect_tcp(addresses[0], port, timeout, local_address, socket_options)

    @override
    def sleep(self, seconds: float) -> None:
        self._plain.sleep(seconds)


class HttpEgress:
    """`local_mode` lets http and private addresses through: everything is on one machine there."""

    def __init__(self, blobs: Blobs, *, local_mode: bool) -> None:
        self._blobs = blobs
        self._local_mode = local_mode
        context = ssl.create_default_context()
        self._trusted = _client(context)
        self._guarded = self._trusted if local_mode else _client(context, _JudgingBackend())

    def send(self, upstream: Upstream, call: HttpCall) -> HttpReply:
        """Make one call, once: no retry and no redirect.

        Raises
        ------
        UpstreamUnreachable
            If nothing was sent.
        UpstreamSilent
            If something was, and no whole answer came.
        """
        content = self._content(call.form) if call.form else {"json": call.json}
        url = upstream.base_url + call.path
        self._check(url, own=True)
        with (
            _named_errors(upstream.base_url),
            self._trusted.stream(
                call.method,
                url,
                headers={"accept-encoding": "identity", **upstream.headers},
                **content,
            ) as response,
        ):
            body = _read(
                response, REPLY_BYTES, UpstreamConfused("the provider's answer is too long")
            )
            return HttpReply(response.status_code, dict(response.headers), body)

    def fetch(self, url: str, limit: int) -> Upload:
        """A small file from an address that a client named.

        Raises
        ------
        BadInputFile
            If it cannot be had.
        """
        try:
            with self._follow(url, Upstream("", {})) as response:
                if response.status_code != 200:
                    raise BadInputFile(f"input_reference answered {response.status_code}")
                body = _read(response, limit, BadInputFile("input_reference is too large"))
        except (UpstreamUnreachable, UpstreamSilent) as error:
            raise BadInputFile(f"input_reference cannot be fetched: {error.message}") from error
        kind = response.headers.get("content-type", "application/octet-stream")
        return Upload("input_reference", kind, body)

    @contextmanager
    def download(self, upstream: Upstream, output: Output) -> Iterator[Download]:
        """An output as a stream. The key goes to the provider's own origin only."""
        url = urljoin(upstream.base_url + "/", output.url)
        if output.url.startswith("/"):
            url = upstream.base_url + output.url
        keyed = upstream if output.needs_key else Upstream(upstream.base_url, {})
        with self._follow(url, keyed) as response:
            _check_output(response.status_code)
            length = response.headers.get("content-length")
            yield Download(
                length=int(length) if length else None,
                content_type=response.headers.get("content-type"),
                chunks=_chunks(response),
            )

    @contextmanager
    def _follow(self, url: str, upstream: Upstream) -> Iterator[httpx.Response]:
        """GET with redirects, each judged anew."""
        for _ in range(REDIRECTS + 1):
            own = _origin(url) == _origin(upstream.base_url)
            self._check(url, own=own)
            client = self._trusted if own else self._guarded
            headers = {"accept-encoding": "identity", **(upstream.headers if own else {})}
            with _named_errors(url), client.stream("GET", url, headers=headers) as response:
                if not response.has_redirect_location:
                    yield response
                    return
                url = urljoin(url, response.headers["location"])
        raise BadOutput(f"more than {REDIRECTS} redirects")

    def _check(self, url: str, *, own: bool) -> None:
        parts = urlsplit(url)
        if parts.scheme == "https" or (self._local_mode and parts.scheme == "http"):
            if parts.username is None or own:
                return
            raise UpstreamUnreachable("addresses with a user name are not connected to")
        raise UpstreamUnreachable(f"only https is spoken, not {parts.scheme or 'nothing'}")

    def _content(self, form: Mapping[str, str | FormFile]) -> dict[str, Any]:
        """A form as httpx's `files`: multipart even where no part is a file."""
        return {
            "files": {
                name: (None, part)
                if isinstance(part, str)
                else (part.filename, self._blobs.read(part.file.key), part.file.content_type)
                for name, part in form.items()
            }
        }


def _client(
    context: ssl.SSLContext, backend: httpcore.NetworkBackend | None = None
) -> httpx.Client:
    """One that looks at no proxy variables, follows nothing and retries nothing."""
    transport = httpx.HTTPTransport(verify=context, retries=0, trust_env=False)
    if backend is not None:
        # httpx has no public seam for this; a test holds the pinned version to it.
        transport._pool._network_backend = backend  # noqa: SLF001
    return httpx.Client(transport=transport, timeout=TIMEOUT, trust_env=False)


@contextmanager
def _named_errors(where: str) -> Iterator[None]:
    """What httpx raises, as ours; the line that matters is whether anything may have been sent."""
    host = urlsplit(where).hostname
    try:
        yield
    except AddressRefused as error:
        raise UpstreamUnreachable(f"{host} is not connected to: {error}") from error
    except NOTHING_SENT as error:
        raise UpstreamUnreachable(f"{host} cannot be reached ({type(error).__name__})") from error
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise UpstreamSilent(f"no answer from {host} ({type(error).__name__})") from error


def _check_output(status: int) -> None:
    """Links die and servers stumble: another look may bring a fresh one."""
    if status in (401, 403, 404, 408, 410, 429) or status >= 500:
        raise OutputInterrupted(f"the output's address answered {status}")
    if status != 200:
        raise BadOutput(f"the output's address answered {status}")


def _chunks(response: httpx.Response) -> Iterator[bytes]:
    try:
        yield from response.iter_raw(CHUNK_BYTES)
    except httpx.HTTPError as error:
        raise OutputInterrupted(f"the output broke off ({type(error).__name__})") from error


def _read(response: httpx.Response, limit: int, too_long: UpstreamError) -> bytes:
    body = bytearray()
    for chunk in response.iter_bytes(CHUNK_BYTES):
        body += chunk
        if len(body) > limit:
            raise too_long
    return bytes(body)


def _origin(url: str) -> tuple[str, str | None, int | None]:
    parts = urlsplit(url)
    default = {"https": 443, "http": 80}.get(parts.scheme)
    return parts.scheme, parts.hostname, parts.port or default
