"""An output's bytes as one stream: taken up again where they broke off, and never of two files.

Only for `http_client`.
"""

import time
from collections.abc import Generator
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import timedelta
from email.utils import parsedate_to_datetime

import httpx

from rushes.errors import (
    DownloadInterrupted,
    InvalidOutput,
    UpstreamNoResponse,
    UpstreamUnreachable,
)
from rushes.http.transport import Ask

RESUMES = 3
PAUSE_SECONDS = 0.5
"""Before the first resumption; before the second twice as long, and so on."""


@dataclass(frozen=True)
class Mark:
    """By which to know a file again, byte for byte: one of its headers, and its length."""

    header: str
    value: str
    length: int

    def ask_from(self, start: int) -> dict[str, str]:
        return {"range": f"bytes={start}-", "if-range": self.value}

    def check(self, response: httpx.Response, start: int) -> None:
        """Raise unless the answer is the rest of this very file from `start` on."""
        if response.status_code != 206:
            raise DownloadInterrupted(
                f"the output broke off, and its address then answered {response.status_code}"
            )
        headers = response.headers
        wanted = f"bytes {start}-{self.length - 1}/{self.length}"
        # Beside If-Range a server may leave Last-Modified out, but not ETag.
        known = headers.get(self.header, None if self.header == "etag" else self.value)
        if headers.get("content-range") != wanted or known != self.value or encoding(response):
            raise DownloadInterrupted("the output broke off, and what came then is not its rest")


def check_output(response: httpx.Response) -> None:
    """Links die and servers stumble: another look may bring a fresh one."""
    status = response.status_code
    if status in (401, 403, 404, 408, 410, 429) or status >= 500:
        raise DownloadInterrupted(f"the output's address answered {status}")
    if status != 200:
        raise InvalidOutput(f"the output's address answered {status}")
    if packed := encoding(response):
        raise InvalidOutput(
            f"the output came packed ({packed[:40]}), in an encoding not asked for: "
            "it is neither unpacked nor stored"
        )


def length_of(response: httpx.Response) -> int | None:
    if "transfer-encoding" in response.headers:  # a length beside it does not count
        return None
    length = response.headers.get("content-length")
    return int(length) if length else None


def encoding(response: httpx.Response) -> str | None:
    told = response.headers.get("content-encoding", "").strip().lower()
    return None if told in ("", "identity") else told


def chunks_of(response: httpx.Response, ask: Ask) -> Generator[bytes, None, None]:
    """The whole file's bytes in order.

    Raises
    ------
    OutputInterrupted
        If they break off for good; what has come by then is the beginning of the file.
    """
    mark, done = range_validator_of(response), 0
    trouble: Exception | None = None
    for resumption in range(RESUMES + 1 if mark else 1):
        time.sleep(PAUSE_SECONDS * resumption)
        try:
            with ask(mark.ask_from(done)) if mark and trouble else nullcontext(response) as answer:
                if mark and trouble:
                    mark.check(answer, done)
                for chunk in answer.iter_raw():
                    done += len(chunk)
                    if mark and done > mark.length:
                        raise DownloadInterrupted(f"the output has more than {mark.length} bytes")
                    yield chunk
            if mark is None or done >= mark.length:
                return
            trouble = EOFError("the rest came short")
        except (httpx.HTTPError, UpstreamUnreachable, UpstreamNoResponse) as error:
            trouble = error
    reason = type(trouble).__name__
    raise DownloadInterrupted(f"the output broke off after {done} bytes ({reason})") from trouble


def range_validator_of(response: httpx.Response) -> Mark | None:
    """None where a resumption could not be asked for, or not be trusted."""
    length, headers = length_of(response), response.headers
    if not length or headers.get("accept-ranges", "").lower() != "bytes":
        return None
    etag = headers.get("etag", "")
    if etag.startswith('"'):  # a weak one, W/"…", may be shared by files that merely look alike
        return Mark("etag", etag, length)
    if not etag and _is_settled(headers):
        return Mark("last-modified", headers["last-modified"], length)
    return None


def _is_settled(headers: httpx.Headers) -> bool:
    """Whether the file cannot have changed since within the same second (RFC 9110, 8.8.2.2)."""
    try:
        changed = parsedate_to_datetime(headers["last-modified"])
        return parsedate_to_datetime(headers["date"]) - changed >= timedelta(seconds=1)
    except (KeyError, TypeError, ValueError):  # TypeError: one of them tells no time zone
        return False
