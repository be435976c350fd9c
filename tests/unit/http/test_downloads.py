import gzip

import httpx
import pytest

from rushes.errors import DownloadInterrupted, InvalidOutput
from rushes.http import client
from rushes.http.downloads import length_of, range_validator_of
from rushes.jobs.result import Output
from tests.raw_http import chunked, reply
from tests.unit.http.responses import DRIP, POUR, VIDEO, Provider


def test_download_of_chunked_response_has_no_length(provider: Provider):
    provider.server.answers["/v1/video"] = chunked(VIDEO[:100], VIDEO[100:])
    with provider.client.download(provider.upstream, Output(url="/video")) as stream:
        assert stream.length is None
        assert b"".join(stream.chunks) == VIDEO


def test_download_ignores_content_length_of_chunked_response(provider: Provider):
    lying = chunked(VIDEO).replace(b"\r\n", b"\r\ncontent-length: 7\r\n", 1)
    assert provider.download_video(lying) == VIDEO


@pytest.mark.parametrize(
    "answer",
    [reply(VIDEO, content_length=str(len(VIDEO) + 1)), chunked(VIDEO, end=False)],
    ids=["short of its length", "cut between chunks"],
)
def test_download_cut_off_raises_interrupted(provider: Provider, answer: bytes):
    with pytest.raises(DownloadInterrupted, match="was interrupted"):
        provider.download_video(answer)


def test_download_ends_at_the_deadline(provider: Provider, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(client, "OUTPUT_SECONDS", 1.0)
    with pytest.raises(DownloadInterrupted, match="ReadTimeout"):
        provider.download_video(DRIP)


def test_download_of_unbounded_response_streams(provider: Provider):
    provider.server.answers["/v1/video"] = POUR
    with provider.client.download(provider.upstream, Output(url="/video")) as stream:
        assert stream.length is None
        for _ in range(50):
            next(stream.chunks)


OTHER_STATUSES = [
    *(201, 202, 204, 206, 300, 304, 400, 401, 403, 404, 408, 409, 410, 425, 429, 451),
    *(500, 502, 503, 504),
]
"""The file may not be there yet, or the link have expired: another request may succeed."""


@pytest.mark.parametrize("status", OTHER_STATUSES)
def test_download_error_status_raises_interrupted(provider: Provider, status: int):
    with pytest.raises(DownloadInterrupted, match=f"returned {status}"):
        provider.download_video(reply(b"no", f"{status} No"))


def test_download_accepts_a_file_that_a_proxy_has_transformed(provider: Provider):
    assert provider.download_video(reply(VIDEO, "203 Non-Authoritative Information")) == VIDEO


@pytest.mark.parametrize("encoding", ["Identity", "utf-8", "NONE", "binary", "aws-chunked", "utf8"])
def test_download_accepts_values_that_are_no_content_encoding(provider: Provider, encoding: str):
    assert provider.download_video(reply(VIDEO, content_encoding=encoding)) == VIDEO


@pytest.mark.parametrize("encoding", ["gzip", "br", "zstd", "deflate, gzip", "aws-chunked, gzip"])
def test_download_refuses_content_encoding(provider: Provider, encoding: str):
    with pytest.raises(InvalidOutput, match="no content-encoding"):
        provider.download_video(reply(gzip.compress(VIDEO), content_encoding=encoding))
    assert provider.server.received[0].headers["accept-encoding"] == "identity"


FAR = "Fri, 15 Jan 99999999999999999999 08:10:00 GMT"
NOW = "Fri, 15 Jan 2027 08:10:00 GMT"


@pytest.mark.parametrize(
    ("modified", "date"),
    [(FAR, NOW), (NOW, FAR), ("soon", NOW), (NOW, "²"), ("", ""), (f"{NOW}{'0' * 5000}", NOW)],
)
def test_unusable_dates_are_no_strong_validator(modified: str, date: str):
    fixed = [(b"accept-ranges", b"bytes"), (b"content-length", b"9")]
    dates = [(b"last-modified", modified.encode()), (b"date", date.encode())]
    assert range_validator_of(httpx.Response(200, headers=fixed + dates)) is None


@pytest.mark.parametrize("length", ["5, 5", "9" * 5000, "-1", "\u0665", "1e3", ""])
def test_unusable_content_length_is_unknown(length: str):
    response = httpx.Response(200, headers=[(b"content-length", length.encode())])
    assert length_of(response) is None
    assert range_validator_of(response) is None
