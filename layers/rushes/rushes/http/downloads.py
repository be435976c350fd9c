"""Output bytes as one stream, resumed by Range requests only for the same file (If-Range).

Only `client` uses this module.
"""

import time
from collections.abc import Generator
from contextlib import nullcontext
from dataclasses import dataclass

import httpx

from rushes.errors import (
    DownloadInterrupted,
    InvalidOutput,
    UpstreamNoResponse,
    UpstreamUnreachable,
)
from rushes.header_values import parse_content_length, parse_http_date
from rushes.http.decoding import codings_of
from rushes.http.transport import GetAgain

MAX_RESUMES = 3
PAUSE_SECONDS = 0.5
"""Before the first resumption; each later one waits this much longer."""


@dataclass(frozen=True)
class RangeValidator:
    """Strong validator of one file: a response header's value, and the length in bytes."""

    header: str
    value: str
    length: int

    def range_headers(self, start: int) -> dict[str, str]:
        return {"range": f"bytes={start}-", "if-range": self.value}

    def check(self, response: httpx.Response, start: int) -> None:
        """Raise `DownloadInterrupted` unless the response is this file from `start` to its end."""
        if response.status_code != 206:
            raise DownloadInterrupted(
                f"the output was interrupted, and its URL then returned {response.status_code}"
            )
        headers = response.headers
        expected = f"bytes {start}-{self.length - 1}/{self.length}"
        # A 206 response to If-Range may leave out Last-Modified, but not ETag.
        found = headers.get(self.header, None if self.header == "etag" else self.value)
        if headers.get("content-range") != expected or found != self.value or encoding(response):
            raise DownloadInterrupted(
                "the output was interrupted, and its URL now has another file"
            )


def check_output(response: httpx.Response) -> None:
    """Check status and encoding.

    Raises
    ------
    DownloadInterrupted
        For any other status than success: the link may have expired, or the file may not be there
        yet, which servers also report as 202, 400, 409 or 425. Polling again may bring another.
    InvalidOutput
    """
    status = response.status_code
    if status not in (200, 203):
        raise DownloadInterrupted(f"the output's URL returned {status}")
    if found := encoding(response):
        raise InvalidOutput(
            f"the output must have no content-encoding, as requested (got {found[:40]})"
        )


def length_of(response: httpx.Response) -> int | None:
    if "transfer-encoding" in response.headers:  # it overrides a content-length
        return None
    return parse_content_length(response.headers.get("content-length"))


def encoding(response: httpx.Response) -> str | None:
    return ", ".join(codings_of(response)) or None


def read_chunks(response: httpx.Response, get: GetAgain) -> Generator[bytes, None, None]:
    """Yield the whole file in order, resuming after interruptions.

    Raises
    ------
    DownloadInterrupted
        If it cannot be resumed; the bytes yielded before are the beginning of the file.
    """
    validator, done = range_validator_of(response), 0
    failure: Exception | None = None
    for resumption in range(MAX_RESUMES + 1 if validator else 1):
        time.sleep(PAUSE_SECONDS * resumption)
        resumed = validator if failure else None
        try:
            with get(resumed.range_headers(done)) if resumed else nullcontext(response) as answer:
                if resumed:
                    resumed.check(answer, done)
                for chunk in answer.iter_raw():
                    done += len(chunk)
                    if validator and done > validator.length:
                        raise DownloadInterrupted(
                            f"the output must have {validator.length} bytes (got more)"
                        )
                    yield chunk
            if validator is None or done >= validator.length:
                return
            failure = EOFError("connection closed before the end")
        except (httpx.HTTPError, UpstreamUnreachable, UpstreamNoResponse) as error:
            failure = error
    reason = type(failure).__name__
    raise DownloadInterrupted(
        f"the output was interrupted after {done} bytes ({reason})"
    ) from failure


def range_validator_of(response: httpx.Response) -> RangeValidator | None:
    """Return None unless the server supports ranges and sends a strong validator."""
    length, headers = length_of(response), response.headers
    if not length or headers.get("accept-ranges", "").lower() != "bytes":
        return None
    etag = headers.get("etag", "")
    if etag.startswith('"'):  # a weak one, W/"…", may be shared by files with different bytes
        return RangeValidator("etag", etag, length)
    if not etag and _is_strong(headers):
        return RangeValidator("last-modified", headers["last-modified"], length)
    return None


def _is_strong(headers: httpx.Headers) -> bool:
    """Whether Last-Modified is at least one second before Date (RFC 9110, 8.8.2.2)."""
    values = headers.get("last-modified", ""), headers.get("date", "")
    if not all(value.endswith("GMT") for value in values):
        return False
    modified, date = map(parse_http_date, values)
    return modified is not None and date is not None and date - modified >= 1
