"""HTTP client for providers, untrusted URLs and webhooks: deadlines, size limits, SSRF checks.

Two kinds of destination: the providers' origins, which the operator configured and which receive
the provider's key; and URLs from clients or replies (inputs, outputs, redirects, webhooks). The
latter receive no key and must be public: resolved once, every IP address checked, then pinned.
"""

import ssl
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import replace
from urllib.parse import quote

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
from rushes.http.downloads import check_output, length_of, read_chunks
from rushes.http.inline_files import unpack
from rushes.http.request_body import bytes_of, content_of
from rushes.http.transport import (
    Transport,
    failure_code,
    failure_of,
    headers_of,
    make_request,
    read,
    read_beginning,
)
from rushes.http.urls import (
    SCHEME,
    origin,
    parse_url,
    provider_url,
    public_url,
    resolve_reference,
)
from rushes.jobs.request import StoredFile, Upload
from rushes.jobs.result import Output
from rushes.ports.http import HttpCall, HttpReply, Upstream
from rushes.ports.storage import Blobs, Download
from rushes.redaction import MARK, REDACTOR, secrets_of_header

MAX_REPLY_BYTES = 48 * 1024 * 1024
"""Some providers answer with whole videos in base64."""
PIECE_BYTES = 256 * 1024
CALL_SECONDS = 85.0
"""With an input fetched before, still less than the submit function's timeout."""
FETCH_SECONDS = 25.0
OUTPUT_SECONDS = 840.0
"""Less than the collect function's timeout, so that collect itself reports the error."""
WEBHOOK_SECONDS = 15.0
MAX_WEBHOOK_REPLY_BYTES = 16 * 1024


class SafeHttpClient:
    """`local_mode` allows http and private addresses, as everything runs on one machine there."""

    def __init__(self, blobs: Blobs, *, local_mode: bool) -> None:
        self._blobs = blobs
        self._local_mode = local_mode
        self._transport = Transport(ssl.create_default_context(), local_mode=local_mode)

    def send(self, upstream: Upstream, call: HttpCall) -> HttpReply:
        """Make one provider call: no retry, no redirect.

        The reply quotes no secret: neither a stored job nor an error can contain the key.

        Raises
        ------
        UpstreamUnreachable
            If nothing was sent.
        UpstreamNoResponse
            If something was sent and no complete response came.
        """
        try:
            return self._send(upstream, call)
        except UpstreamUnreachable as error:
            raise UpstreamUnreachable(
                f"the provider cannot be reached ({failure_of(error)})", detail=error.detail
            ) from error
        except UpstreamNoResponse as error:
            raise UpstreamNoResponse(
                f"the provider did not respond ({failure_of(error)})", detail=error.detail
            ) from error

    def _send(self, upstream: Upstream, call: HttpCall) -> HttpReply:
        REDACTOR.remember_headers(upstream.headers)
        url = self._url_of(upstream, call)
        is_own = origin(url) == origin(parse_url(upstream.base_url))
        headers = {**call.headers, **(upstream.headers if is_own else {})}
        request = make_request(call.method, url, headers, content_of(call, self._blobs))
        if upstream.sign and is_own:
            request.headers.update(upstream.sign(call.method, str(url), request.read()))
        try:
            with self._transport.open(
                request, Deadline(CALL_SECONDS), public=not is_own
            ) as response:
                return _redacted(response, _body_of(response))
        except UrlNotAllowed as error:
            raise UpstreamProtocolError(f"the provider's URL is invalid: {error}") from error

    def post_webhook(self, url: str, headers: Mapping[str, str], body: bytes) -> HttpReply:
        """POST to a client's URL within 15 seconds; a redirect is not followed.

        The reply has the first 16 KiB of the response body, not decoded; no more is read.

        Raises
        ------
        UpstreamRefused
            If the URL is not allowed, or no longer: nothing was sent.
        UpstreamUnreachable
            If nothing was sent. The code is the cause, see `failure_code`.
        UpstreamNoResponse
            If something was sent and no complete response came in time. The code is the cause.
        """
        try:
            target = public_url(url, local_mode=self._local_mode)
            request = make_request("POST", target, headers, {"content": body})
            deadline = Deadline(WEBHOOK_SECONDS)
            with self._transport.open(request, deadline, public=True) as response:
                beginning = read_beginning(response, MAX_WEBHOOK_REPLY_BYTES)
                return _redacted(response, beginning)
        except UrlNotAllowed as error:
            raise UpstreamRefused(f"webhook not sent: {error}", code=error.code) from error
        except (UpstreamUnreachable, UpstreamNoResponse) as error:
            raise type(error)(error.message, code=failure_code(error)) from error

    def fetch(self, url: str, limit: int) -> Upload:
        """Download a small input file from a client's URL; raises `InvalidInputFile`."""
        try:
            with self._transport.follow(url, None, Deadline(FETCH_SECONDS)) as (response, _):
                if response.status_code != 200:
                    raise InvalidInputFile(f"input_reference returned {response.status_code}")
                body = read(
                    response, limit, lambda reason: InvalidInputFile(f"input_reference {reason}")
                )
        except (UrlNotAllowed, UpstreamUnreachable, UpstreamNoResponse) as error:
            raise InvalidInputFile(f"input_reference cannot be fetched: {error}") from error
        content_type = response.headers.get("content-type", "application/octet-stream")
        return Upload("input_reference", content_type, body)

    def put(self, url: str, file: StoredFile) -> None:
        """Upload a file to a URL that a provider returned; the provider's key is not sent.

        Raises
        ------
        UpstreamError
            If the upload failed.
        """
        content = {"content": bytes_of(file, self._blobs)}
        try:
            target = public_url(url, local_mode=self._local_mode)
            request = make_request("PUT", target, {}, content)
            with self._transport.open(request, Deadline(CALL_SECONDS), public=True) as response:
                if response.status_code >= 300:
                    raise UpstreamThrottled(f"the upload URL returned {response.status_code}")
        except UrlNotAllowed as error:
            raise UpstreamProtocolError(f"the provider's upload URL is invalid: {error}") from error

    @contextmanager
    def download(self, upstream: Upstream, output: Output) -> Iterator[Download]:
        """Yield an output as a stream. The key goes to the provider's own origin only."""
        if output.pointer is not None:
            yield self._unpacked(upstream, output, output.pointer)
            return
        keyed = upstream if output.needs_key else replace(upstream, headers={})
        try:
            url = _output_url(upstream, output)
            with self._transport.follow(url, keyed, Deadline(OUTPUT_SECONDS)) as (response, get):
                check_output(response)
                with closing(read_chunks(response, get)) as chunks:
                    content_type = REDACTOR.redact(response.headers.get("content-type", ""))
                    yield Download(length_of(response), content_type or None, chunks)
        except UrlNotAllowed as error:
            raise InvalidOutput(f"the output cannot be fetched: {error}") from error

    def _unpacked(self, upstream: Upstream, output: Output, pointer: str) -> Download:
        method = "GET" if output.json_body is None else "POST"
        call = HttpCall(method, output.url, json=output.json_body, relative_to=output.relative_to)
        reply = self.send(upstream, call)
        content = unpack(reply, pointer)
        # In pieces: the S3 client reads a few KiB at a time, and each read copies what is left.
        pieces = (content[n : n + PIECE_BYTES] for n in range(0, len(content), PIECE_BYTES))
        return Download(len(content), output.content_type, pieces)

    def _url_of(self, upstream: Upstream, call: HttpCall) -> httpx.URL:
        """Return the URL of a call: below the base URL, or a reference in a reply.

        Raises
        ------
        UpstreamProtocolError
            If the reference leads to a URL that is not allowed.
        """
        if call.relative_to is None:
            return self._provider_url(upstream, call)
        try:
            target = resolve_reference(_base(upstream, call.relative_to), call.path)
            text = _with_key(upstream, target)
            url = parse_url(text)
            if origin(url) == origin(parse_url(upstream.base_url)):
                return provider_url(text, local_mode=self._local_mode)
            return public_url(text, local_mode=self._local_mode)
        except (UrlNotAllowed, InvalidOutput) as error:
            raise UpstreamProtocolError(f"the provider's URL is invalid: {error}") from error

    def _provider_url(self, upstream: Upstream, call: HttpCall) -> httpx.URL:
        try:
            home = provider_url(upstream.base_url, local_mode=self._local_mode)
            url = parse_url(upstream.base_url + _with_key(upstream, call.path))
        except UrlNotAllowed as error:
            raise ProviderNotConfigured(f"the provider's base_url is invalid: {error}") from error
        if origin(url) != origin(home):
            raise UpstreamProtocolError("the call's path leads to another origin than base_url")
        return url


def _base(upstream: Upstream, path: str) -> str:
    """Return the URL of a reply: below the base URL, unless a provider chose another host."""
    return path if SCHEME.match(path) else upstream.base_url + path


def _output_url(upstream: Upstream, output: Output) -> str:
    if output.relative_to is not None:
        target = resolve_reference(_base(upstream, output.relative_to), output.url)
        return _with_key(upstream, target)
    path = _with_key(upstream, output.url)
    return upstream.base_url + path if path.startswith("/") else path


def _with_key(upstream: Upstream, url: str) -> str:
    """Put the key back into a path or URL of the provider that contained it before its redaction.

    Raises
    ------
    InvalidOutput
        If the URL leads elsewhere: the key goes to the provider's own origin only.
    """
    if MARK not in url or not upstream.headers:
        return url
    if not url.startswith("/") and origin(parse_url(url)) != origin(parse_url(upstream.base_url)):
        raise InvalidOutput("the output's URL contains the API key and is not the provider's own")
    (value, *_) = upstream.headers.values()
    return url.replace(MARK, quote(secrets_of_header(value)[0], safe=""))


def _redacted(response: httpx.Response, body: bytes) -> HttpReply:
    headers = REDACTOR.redact_value(headers_of(response))
    return HttpReply(response.status_code, headers, REDACTOR.redact_bytes(body))


def _body_of(response: httpx.Response) -> bytes:
    """Return the body; empty for an HTTP error with an unreadable one, as the status is enough."""
    try:
        return read(
            response,
            MAX_REPLY_BYTES,
            lambda reason: UpstreamProtocolError(f"the provider's response {reason}"),
        )
    except (UpstreamProtocolError, UpstreamNoResponse):
        if response.status_code < 400:
            raise
        return b""
