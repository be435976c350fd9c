import gzip

import pytest

from rushes.errors import DownloadInterrupted, InvalidOutput
from rushes.http import client
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


@pytest.mark.parametrize("status", [401, 403, 404, 408, 410, 429, 500, 502, 503, 504])
def test_download_error_status_raises_interrupted(provider: Provider, status: int):
    with pytest.raises(DownloadInterrupted, match=f"returned {status}"):
        provider.download_video(reply(b"no", f"{status} No"))


@pytest.mark.parametrize("status", [201, 204, 206, 300, 304, 400, 451])
def test_download_refuses_other_statuses(provider: Provider, status: int):
    with pytest.raises(InvalidOutput, match=f"returned {status}"):
        provider.download_video(reply(b"", f"{status} Hm"))


@pytest.mark.parametrize("encoding", ["gzip", "br", "zstd", "deflate, gzip"])
def test_download_refuses_content_encoding(provider: Provider, encoding: str):
    with pytest.raises(InvalidOutput, match="no content-encoding"):
        provider.download_video(reply(gzip.compress(VIDEO), content_encoding=encoding))
    assert provider.server.received[0].headers["accept-encoding"] == "identity"
