"""The one way out to the internet.

Two kinds of destination: the providers' own origins, which the deployer named and which get the
provider's key; and addresses that somebody else named (a picture's, an output's, a redirect's, a
webhook's), which get no key and must be public: resolved once, every answer judged, the judged
ones used.
"""

import ssl
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import replace

import httpx

from rushes.errors import (
    InvalidInputFile,
    InvalidOutput,
    ProviderNotConfigured,
    UpstreamNoResponse,
    UpstreamProtocolError,
    UpstreamRefused,
    UpstreamThrottled,
    UpstreamUnreachable,
    UrlNotAllowed,
)
from rushes.http.connections import Deadline
from rushes.http.downloads import check_output, chunks_of, length_of
from rushes.http.inline_files import unpack
from rushes.http.request_body import bytes_of, content_of
from rushes.http.transport import Transport, cause_of, make_request, read, read_beginning
from rushes.http.urls import judged, origin, own, parsed
from rushes.jobs.request import StoredFile, Upload
from rushes.jobs.result import Output
from rushes.ports import Blobs, Download, HttpCall, HttpReply, Upstream

REPLY_BYTES = 48 * 1024 * 1024
"""Some providers answer with whole films in base64."""
CALL_SECONDS = 85.0
"""With a picture fetched before, still less than the submit function may run."""
FETCH_SECONDS = 25.0
OUTPUT_SECONDS = 840.0
"""Less than the collect function may run, so that it is the one that says what went wrong."""
NOTICE_SECONDS = 15.0
NOTICE_REPLY_BYTES = 16 * 1024


class SafeHttpClient:
    """`local_mode` lets http and private addresses through: everything is on one machine there."""

    def __init__(self, blobs: Blobs, *, local_mode: bool) -> None:
        self._blobs = blobs
        self._local_mode = local_mode
        self._wire = Transport(ssl.create_default_context(), local_mode=local_mode)

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
        headers = {**call.headers, **upstream.headers}
        request = make_request(call.method, url, headers, content_of(call, self._blobs))
        with self._wire.open(request, Deadline(CALL_SECONDS), public=False) as response:
            too_long = UpstreamProtocolError("the provider's answer is too long")
            body = read(response, REPLY_BYTES, too_long)
            return HttpReply(response.status_code, dict(response.headers), body)

    def notify(self, url: str, headers: Mapping[str, str], body: bytes) -> HttpReply:
        """One POST to an address that a client named: no redirect, and 15 seconds for everything.

        Of the answer's body the first 16 KiB are kept, as they came, and no more is read.

        Raises
        ------
        UpstreamRefused
            If it is no address that we connect to, or no longer: nothing was sent.
        UpstreamUnreachable
            If nothing was sent.
        UpstreamSilent
            If something was, and no whole answer came in time. The code says why, as above.
        """
        try:
            address = judged(url, local_mode=self._local_mode)
            request = make_request("POST", address, headers, {"content": body})
            with self._wire.open(request, Deadline(NOTICE_SECONDS), public=True) as response:
                answer = read_beginning(response, NOTICE_REPLY_BYTES)
                return HttpReply(response.status_code, dict(response.headers), answer)
        except UrlNotAllowed as error:
            raise UpstreamRefused(f"nothing is sent there: {error}", code=error.code) from error
        except (UpstreamUnreachable, UpstreamNoResponse) as error:
            raise type(error)(error.message, code=cause_of(error)) from error

    def fetch(self, url: str, limit: int) -> Upload:
        """A small file from an address that a client named.

        Raises
        ------
        BadInputFile
            If it cannot be had.
        """
        try:
            with self._wire.follow(url, None, Deadline(FETCH_SECONDS)) as (response, _):
                if response.status_code != 200:
                    raise InvalidInputFile(f"input_reference answered {response.status_code}")
                body = read(response, limit, InvalidInputFile("input_reference is too large"))
        except (UrlNotAllowed, UpstreamUnreachable, UpstreamNoResponse) as error:
            raise InvalidInputFile(f"input_reference cannot be fetched: {error}") from error
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
            request = make_request("PUT", judged(url, local_mode=self._local_mode), {}, content)
            with self._wire.open(request, Deadline(CALL_SECONDS), public=True) as response:
                if response.status_code >= 300:
                    raise UpstreamThrottled(f"the upload was answered {response.status_code}")
        except UrlNotAllowed as error:
            raise UpstreamProtocolError(
                f"the provider's upload address will not do: {error}"
            ) from error

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
            with self._wire.follow(url, keyed, Deadline(OUTPUT_SECONDS)) as (response, ask):
                check_output(response)
                with closing(chunks_of(response, ask)) as chunks:
                    kind = response.headers.get("content-type")
                    yield Download(length_of(response), kind, chunks)
        except UrlNotAllowed as error:
            raise InvalidOutput(f"the output cannot be fetched: {error}") from error

    def _unpacked(self, upstream: Upstream, output: Output, pointer: str) -> Download:
        """A file that stands in base64 inside a JSON reply."""
        method = "GET" if output.json_body is None else "POST"
        reply = self.send(upstream, HttpCall(method, output.url, json=output.json_body))
        content = unpack(reply, pointer)
        return Download(len(content), output.content_type, iter([content]))

    def _own_url(self, upstream: Upstream, call: HttpCall) -> httpx.URL:
        try:
            home = own(upstream.base_url, local_mode=self._local_mode)
            url = parsed(upstream.base_url + call.path)
        except UrlNotAllowed as error:
            raise ProviderNotConfigured(f"the provider's base_url will not do: {error}") from error
        if origin(url) != origin(home):
            raise UpstreamProtocolError("the provider's path leads to somebody else")
        return url
