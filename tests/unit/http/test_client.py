import base64
import gzip
import json
import re
from collections.abc import Callable

import pytest

from rushes.errors import (
    DownloadInterrupted,
    InvalidInputFile,
    InvalidOutput,
    ProviderNotConfigured,
    UpstreamError,
    UpstreamNoResponse,
    UpstreamProtocolError,
    UpstreamThrottled,
)
from rushes.http import client
from rushes.http.client import SafeHttpClient
from rushes.jobs.request import StoredFile, Upload
from rushes.jobs.result import Output
from rushes.ports.http import FormFile, HttpCall, JsonFile, Upstream
from rushes.providers import file_sizes
from rushes.providers.replies import error_message_and_code
from rushes.redaction import REDACTOR
from tests.fakes import FakeBlobs
from tests.raw_http import RawServer, endless, reply
from tests.unit.http.responses import CREATE, KEY, NOTHING, POUR, VIDEO, Provider

PNG = b"\x89PNG image"
VIDEOS = {"videos": [{"bytes": base64.b64encode(VIDEO).decode()}]}
IN_JSON = reply(json.dumps(VIDEOS).encode(), content_type="application/json")


@pytest.fixture
def image_file(provider: Provider) -> StoredFile:
    return provider.blobs.put("inputs/one", Upload("image", "image/png", PNG))


class TestSend:
    def test_send_uses_path_below_base_url_and_the_key(self, provider: Provider):
        answer = provider.send(reply(b'{"id": "1"}', "201 Created", X_Extra="Me"))
        assert (answer.status, answer.body) == (201, b'{"id": "1"}')
        assert answer.headers["x-extra"] == "Me"
        (received,) = provider.server.received
        assert (received.method, received.path) == ("POST", "/v1/videos")
        assert json.loads(received.body) == {"prompt": "A fox"}
        assert received.headers["content-type"] == "application/json"
        assert received.headers["authorization"] == "Bearer upstream-key"
        assert received.headers["accept-encoding"] == "identity"
        assert received.headers["user-agent"] == "rushes"

    def test_send_without_body_sends_none(self, provider: Provider):
        provider.send(reply(), HttpCall("DELETE", "/videos/1"))
        (received,) = provider.server.received
        assert (received.method, received.body) == ("DELETE", b"")
        assert "content-type" not in received.headers

    def test_send_keeps_escapes_in_the_path(self, provider: Provider):
        provider.send(reply(), HttpCall("GET", "/videos/a%2Fb%25:x"))
        assert provider.server.received[0].path == "/v1/videos/a%2Fb%25:x"

    def test_send_fields_are_urlencoded(self, provider: Provider):
        provider.send(reply(), HttpCall("POST", "/token", fields={"assertion": "a.b", "x": "1 &2"}))
        (received,) = provider.server.received
        assert received.headers["content-type"] == "application/x-www-form-urlencoded"
        assert received.body == b"assertion=a.b&x=1+%262"

    def test_send_signs_the_request_that_it_sends(self, provider: Provider):
        """The signature is of the escaped path and the exact body."""
        signed: list[tuple[str, str, bytes]] = []

        def sign(method: str, url: str, body: bytes) -> dict[str, str]:
            signed.append((method, url, body))
            return {"authorization": "AWS4-HMAC-SHA256 signature"}

        path = "/async-invoke/arn%3Aaws%3Abedrock%2Fx"
        provider.server.answers[f"/v1{path}"] = reply()
        upstream = Upstream(f"{provider.server.url}/v1", {}, sign)
        provider.client.send(upstream, HttpCall("POST", path, json={"prompt": "A fox"}))
        (received,) = provider.server.received
        assert received.headers["authorization"] == "AWS4-HMAC-SHA256 signature"
        assert received.path == f"/v1{path}"
        assert signed == [("POST", f"{provider.server.url}{received.path}", received.body)]

    def test_send_form_is_multipart_with_files_from_the_bucket(
        self, provider: Provider, image_file: StoredFile
    ):
        file = FormFile("reference", image_file)
        form: dict[str, str | FormFile] = {"prompt": "Ein Füchslein", "image": file}
        provider.send(reply(), HttpCall("POST", "/videos", form=form))
        (received,) = provider.server.received
        boundary = received.headers["content-type"].partition("multipart/form-data; boundary=")[2]
        _, prompt, image, _ = received.body.split(f"--{boundary}".encode())
        assert prompt.split(b"\r\n\r\n") == [
            b'\r\nContent-Disposition: form-data; name="prompt"',
            "Ein Füchslein\r\n".encode(),
        ]
        head, _, content = image.partition(b"\r\n\r\n")
        assert b'name="image"; filename="reference"\r\nContent-Type: image/png' in head
        assert content == PNG + b"\r\n"

    def test_send_form_without_files_is_multipart(self, provider: Provider):
        provider.send(reply(), HttpCall("POST", "/videos", form={"prompt": "A fox"}))
        (received,) = provider.server.received
        assert received.headers["content-type"].startswith("multipart/form-data; boundary=")
        assert b"filename" not in received.body

    def test_send_json_embeds_files_from_the_bucket(
        self, provider: Provider, image_file: StoredFile
    ):
        json_body = {"images": [JsonFile(image_file, "data_url"), JsonFile(image_file, "link")]}
        provider.send(reply(), HttpCall("POST", "/videos", json=json_body))
        (received,) = provider.server.received
        assert received.headers["content-type"] == "application/json"
        data_url = "data:image/png;base64,iVBORyBpbWFnZQ=="
        link = "https://bucket.example/inputs/one?filename=one"
        assert json.loads(received.body) == {"images": [data_url, link]}

    def test_send_keeps_call_headers_but_not_over_the_key(self, provider: Provider):
        own = {"x-api-version": "2024-11-06", "authorization": "Bearer other"}
        provider.send(reply(), HttpCall("POST", "/videos", json={}, headers=own))
        (received,) = provider.server.received
        assert received.headers["x-api-version"] == "2024-11-06"
        assert received.headers["authorization"] == "Bearer upstream-key"
        assert json.loads(received.body) == {}

    @pytest.mark.parametrize("status", ["301", "302", "303", "307", "308"])
    def test_send_returns_a_redirect_without_following_it(
        self, provider: Provider, other_server: RawServer, status: str
    ):
        answer = reply(b"", f"{status} Go", location=f"{other_server.url}/x")
        assert provider.send(answer).status == int(status)
        assert not other_server.connections

    @pytest.mark.parametrize("location", ["https://a..b/", "https://xn--zzz--/", "//[", ":"])
    def test_send_returns_a_redirect_with_invalid_location(self, provider: Provider, location: str):
        assert provider.send(reply(b"", "302 Found", location=location)).status == 302
        assert provider.server.connections == 1

    @pytest.mark.parametrize("status", ["429 Slow", "500 Oh", "502 Bad", "503 Busy", "504 Late"])
    def test_send_returns_an_error_status_without_retrying(self, provider: Provider, status: str):
        answer = provider.send(reply(b"oh", status, retry_after="7"))
        assert (answer.status, answer.headers["retry-after"]) == (int(status[:3]), "7")
        assert provider.server.connections == 1

    def test_send_refuses_an_unbounded_response(self, provider: Provider):
        with pytest.raises(UpstreamProtocolError, match="must have at most"):
            provider.send(POUR)

    def test_send_refuses_a_gzip_bomb(self, provider: Provider):
        bomb = gzip.compress(bytes(client.MAX_REPLY_BYTES + 1_000_000))
        with pytest.raises(UpstreamProtocolError, match="must have at most"):
            provider.send(reply(bomb, content_encoding="gzip"))

    @pytest.mark.parametrize("coding", ["gzip, gzip", "br", "zstd", "deflate, gzip"])
    def test_send_refuses_several_or_unknown_content_encodings(
        self, provider: Provider, coding: str
    ):
        with pytest.raises(UpstreamProtocolError) as refused:
            provider.send(reply(b"{}", content_encoding=coding))
        assert refused.value.message.endswith(f"gzip or deflate (got {coding})")

    @pytest.mark.parametrize("status", ["400 No", "404 Gone", "429 Slow", "500 Oh", "503 Busy"])
    @pytest.mark.parametrize(
        "unreadable",
        [
            {"content_encoding": "gzip, gzip"},
            {"content_encoding": "br"},
            {"content_encoding": "gzip"},
            {"content_length": "1000"},
        ],
        ids=["packed twice", "unknown coding", "corrupt", "interrupted"],
    )
    def test_send_returns_an_error_status_whose_body_is_unreadable(
        self, provider: Provider, status: str, unreadable: dict[str, str]
    ):
        """429 proves that a create call created nothing."""
        answer = provider.send(reply(b"{}", status, retry_after="7", **unreadable))
        assert (answer.status, answer.body) == (int(status[:3]), b"")
        assert answer.headers["retry-after"] == "7"

    def test_send_refuses_an_error_of_unbounded_length_by_its_status(self, provider: Provider):
        assert provider.send(endless(b"HTTP/1.1 503 Busy\r\n\r\n", bytes(65536))).status == 503

    def test_send_returns_many_headers(self, provider: Provider):
        headers = {f"x-{number}": "1" for number in range(5000)}
        assert len(provider.send(reply(b"{}", **headers)).headers) == 5001

    def test_send_joins_equal_headers(self, provider: Provider):
        answer = provider.send(reply(b"{}", vary="a\r\nVary: b"))
        assert answer.headers["vary"] == "a, b"

    @pytest.mark.parametrize("header", [b"x: " + b"y" * 200_000, b"x: y\r\n" * 60_000])
    def test_send_refuses_long_headers(self, provider: Provider, header: bytes):
        with pytest.raises(UpstreamNoResponse, match="connection closed"):
            provider.send(b"HTTP/1.1 200 OK\r\n" + header + b"\r\n\r\n{}")

    def test_send_refuses_a_path_to_another_origin(self, provider: Provider):
        call = HttpCall("GET", "@evil.example/x")
        with pytest.raises(UpstreamProtocolError, match="another origin"):
            provider.client.send(Upstream("http://127.0.0.1", KEY), call)

    @pytest.mark.parametrize("base_url", ["http://vllm.example/v1", "ftp://x", "x", "https://"])
    def test_send_refuses_base_url_without_https(self, base_url: str):
        with pytest.raises(ProviderNotConfigured, match="base_url"):
            SafeHttpClient(FakeBlobs(), local_mode=False).send(Upstream(base_url, {}), CREATE)


class TestFetch:
    def test_fetch_returns_content_type_and_sends_no_key(self, provider: Provider):
        provider.server.answers["/fox.png"] = reply(b"\x89PNG", content_type="image/png")
        upload = provider.client.fetch(f"{provider.server.url}/fox.png?size=1", 100)
        assert upload == Upload("input_reference", "image/png", b"\x89PNG")
        (received,) = provider.server.received
        assert received.path == "/fox.png?size=1"
        assert "authorization" not in received.headers

    def test_fetch_does_not_check_the_content_type(self, provider: Provider):
        """The caller checks the bytes."""
        answer = reply(b"<html>", content_type="text/html")
        assert provider.fetch(answer).content_type == "text/html"

    def test_fetch_accepts_the_limit_and_refuses_one_byte_more(self, provider: Provider):
        answer = reply(b"x" * 100)
        assert len(provider.fetch(answer, 100).content) == 100
        with pytest.raises(InvalidInputFile, match="at most 99 bytes"):
            provider.fetch(answer, 99)

    @pytest.mark.parametrize("status", ["204 No", "304 Same", "404 Gone", "500 Oh"])
    def test_fetch_refuses_any_status_but_200(self, provider: Provider, status: str):
        with pytest.raises(InvalidInputFile, match=f"returned {status[:3]}"):
            provider.fetch(reply(b"", status))

    @pytest.mark.parametrize(
        "url",
        [
            *("", "fox.png", "/fox.png", "data:image/png;base64,AAAA", "file:///etc/passwd"),
            *("ftp://127.0.0.1/x", "gopher://127.0.0.1:1/x", "http://", "http:///x", "http://["),
            *("http://a..b/", "http://x.example:99999/", f"http://{'a' * 64}.example/"),
            *("http://user@127.0.0.1:1/", "http://user:secret@127.0.0.1:1/", "http://a\nb/"),
            *("http://①②⑦.⓪.⓪.①/", "http://xn--zzz--/", "javascript:alert(1)"),
        ],
    )
    def test_fetch_refuses_invalid_urls(self, provider: Provider, url: str):
        with pytest.raises(InvalidInputFile, match="cannot be fetched"):
            provider.client.fetch(url, 100)

    @pytest.mark.parametrize("answer", [b"", b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nx"])
    def test_fetch_refuses_an_interrupted_download(self, provider: Provider, answer: bytes):
        with pytest.raises(InvalidInputFile, match="cannot be fetched"):
            provider.fetch(answer)


class TestPut:
    @pytest.mark.parametrize("status", ["200 OK", "201 Created", "204 No"])
    def test_put_sends_the_file_without_the_key(
        self, provider: Provider, image_file: StoredFile, status: str
    ):
        provider.server.answers["/put/1"] = reply(b"", status)
        provider.client.put(f"{provider.server.url}/put/1?signature=a%2Fb", image_file)
        (received,) = provider.server.received
        assert (received.method, received.path) == ("PUT", "/put/1?signature=a%2Fb")
        assert received.body == PNG
        assert received.headers["content-length"] == str(len(received.body))
        assert "authorization" not in received.headers

    @pytest.mark.parametrize("status", ["302 Go", "400 No", "403 No", "429 Slow", "503 Busy"])
    def test_put_refused_by_server_is_retryable(
        self, provider: Provider, other_server: RawServer, image_file: StoredFile, status: str
    ):
        with pytest.raises(UpstreamThrottled, match=f"the upload URL returned {status[:3]}"):
            provider.put(reply(b"", status, location=other_server.url), image_file)
        assert (provider.server.connections, other_server.connections) == (1, 0)

    def test_put_without_response_raises_no_response(
        self, provider: Provider, image_file: StoredFile
    ):
        with pytest.raises(UpstreamNoResponse):
            provider.put(b"", image_file)
        assert provider.server.connections == 1

    @pytest.mark.parametrize(
        ("local_mode", "url"),
        [
            *((True, ""), (True, "/put/1"), (True, "file:///tmp/x"), (True, "ftp://127.0.0.1/x")),
            *((True, "http://u:p@127.0.0.1:1/"), (False, "http://uploads.example/1")),
            *((False, "https://127.0.0.1:1/"), (False, "https://169.254.169.254/x")),
        ],
    )
    def test_put_refuses_invalid_and_private_urls(
        self, provider: Provider, image_file: StoredFile, url: str, *, local_mode: bool
    ):
        http_client = SafeHttpClient(provider.blobs, local_mode=local_mode)
        with pytest.raises(UpstreamProtocolError, match="upload URL is invalid"):
            http_client.put(url, image_file)

    def test_missing_file_is_an_invalid_input_file(
        self, provider: Provider, image_file: StoredFile
    ):
        provider.blobs.objects.clear()
        with pytest.raises(InvalidInputFile, match="no longer exists"):
            provider.put(reply(), image_file)
        assert not provider.server.connections


@pytest.mark.parametrize(
    "call",
    [
        lambda provider, file: provider.put(reply(), file),
        lambda provider, file: provider.send(
            reply(), HttpCall("POST", "/v", form={"video": FormFile("f", file)})
        ),
    ],
    ids=["put", "send"],
)
def test_call_refuses_a_file_over_the_limit(
    provider: Provider, call: Callable[[Provider, StoredFile], object]
):
    size = file_sizes.MAX_FILE_BYTES + 1
    video = StoredFile(key="outputs/one", content_type="video/mp4", size=size)
    with pytest.raises(InvalidInputFile, match=f"at most {file_sizes.MAX_FILE_BYTES} bytes"):
        call(provider, video)
    assert not provider.server.connections


class TestUnpackedDownload:
    """Outputs in base64 inside a JSON reply."""

    def download(self, provider: Provider, answer: bytes, output: Output) -> bytes:
        provider.server.answers["/v1/video"] = answer
        with provider.client.download(provider.upstream, output) as stream:
            assert (stream.length, stream.content_type) == (len(VIDEO), output.content_type)
            return b"".join(stream.chunks)

    @pytest.mark.parametrize(
        ("json_body", "expected"),
        [
            (None, ("GET", b"")),
            ({"operation": "up/1"}, ("POST", b'{"operation":"up/1"}')),
            ({}, ("POST", b"{}")),
        ],
    )
    def test_download_decodes_the_file_in_a_reply(
        self, provider: Provider, json_body: dict[str, str] | None, expected: tuple[str, bytes]
    ):
        output = Output(url="/video", pointer="/videos/0/bytes", content_type="video/mp4")
        output = output.model_copy(update={"json_body": json_body})
        assert self.download(provider, IN_JSON, output) == VIDEO
        (received,) = provider.server.received
        assert received.path == "/v1/video"
        assert (received.method, received.body) == expected
        assert received.headers["authorization"] == "Bearer upstream-key"

    @pytest.mark.parametrize("status", ["401 No", "404 No", "410 Gone", "429 Slow", "500 Oh"])
    def test_download_of_inline_file_is_interrupted_by_an_error_status(
        self, provider: Provider, status: str
    ):
        with pytest.raises(DownloadInterrupted, match=status[:3]):
            self.download(provider, reply(b"{}", status), Output(url="/video", pointer="/video"))

    def test_unpack_refuses_a_reply_without_the_file(self, provider: Provider):
        output = Output(url="/video", pointer="/videos/1/bytes")
        with pytest.raises(InvalidOutput, match="no file at /videos/1/bytes"):
            self.download(provider, IN_JSON, output)

    def test_download_of_inline_file_refuses_another_origin(self, provider: Provider):
        upstream = Upstream(provider.server.url, KEY)
        output = Output(url="@evil.example/video", pointer="/video")
        with (
            pytest.raises(UpstreamProtocolError, match="another origin"),
            provider.client.download(upstream, output),
        ):
            pass
        assert not provider.server.connections


class TestDownload:
    @pytest.mark.parametrize("needs_key", [True, False])
    def test_download_streams_with_length_and_content_type(
        self, provider: Provider, *, needs_key: bool
    ):
        provider.server.answers["/v1/videos/1/content"] = reply(VIDEO, content_type="video/mp4")
        output = Output(url="/videos/1/content", needs_key=needs_key)
        with provider.client.download(provider.upstream, output) as stream:
            assert (stream.length, stream.content_type) == (len(VIDEO), "video/mp4")
            pieces = list(stream.chunks)
        assert b"".join(pieces) == VIDEO
        assert max(len(piece) for piece in pieces) <= 65536
        assert ("authorization" in provider.server.received[0].headers) == needs_key

    def test_download_from_another_origin_sends_no_key(
        self, provider: Provider, other_server: RawServer
    ):
        other_server.answers["/video"] = reply(VIDEO)
        assert provider.download(f"{other_server.url}/video") == VIDEO
        assert "authorization" not in other_server.received[0].headers
        assert not provider.server.connections

    def test_download_of_absolute_url_at_provider_sends_the_key(self, provider: Provider):
        provider.server.answers["/files/1"] = reply(VIDEO)
        provider.download(f"{provider.server.url}/files/1")
        assert provider.server.received[0].headers["authorization"] == "Bearer upstream-key"

    @pytest.mark.parametrize(
        "url", ["", "video", "data:video/mp4;base64,AAAA", "s3://bucket/video"]
    )
    def test_download_refuses_invalid_urls(self, provider: Provider, url: str):
        with pytest.raises(InvalidOutput, match="cannot be fetched"):
            provider.download(url)

    def test_download_passes_on_errors_of_its_reader(self, provider: Provider):
        provider.server.answers["/v1/video"] = reply(VIDEO)
        with (
            pytest.raises(ValueError, match="disk full"),
            provider.client.download(provider.upstream, Output(url="/video")),
        ):
            raise ValueError("disk full")


@pytest.mark.parametrize(
    "call",
    [
        lambda provider: provider.send(b""),
        lambda provider: provider.fetch(b""),
        lambda provider: provider.put(b"", NOTHING),
        lambda provider: provider.download_video(b""),
    ],
    ids=["send", "fetch", "put", "download"],
)
def test_errors_never_contain_the_key(provider: Provider, call: Callable[[Provider], object]):
    provider.key = {"authorization": "Bearer SECRET"}
    with pytest.raises(UpstreamError) as raised:
        call(provider)
    assert not re.search("SECRET", f"{raised.value!r} {provider.upstream!r}")


class TestRedaction:
    """No reply quotes the key, so that no parser, error or stored job can."""

    def test_reply_does_not_quote_the_key(self, provider: Provider):
        body = json.dumps({"error": {"message": "bad key upstream-key"}}).encode()
        answer = provider.send(reply(body, "400 No", X_Echo="Bearer UPSTREAM-KEY"))
        assert json.loads(answer.body) == {"error": {"message": "bad key __redacted__"}}
        assert answer.headers["x-echo"] == "Bearer __redacted__"

    @pytest.mark.parametrize("after", ['"', "\n", "\\", "中", "😀"])
    def test_prompt_with_what_looks_like_our_key_leaves_the_reply_valid(
        self, provider: Provider, after: str
    ):
        job = {
            "id": "job-1",
            "prompt": f'a "rk_0123456789abcdef_abc{after} fox\rk_0123456789abcdef_a',
        }
        answer = json.loads(provider.send(reply(json.dumps(job).encode())).body)
        assert answer["id"] == "job-1"
        assert answer["prompt"].startswith(f'a "__redacted__{after} fox')

    def test_key_is_redacted_before_the_body_is_cut(self, provider: Provider):
        answer = provider.send(reply(b"x" * 295 + b" upstream-key", "400 No"))
        assert error_message_and_code(answer)[0] == "x" * 295 + " __re"

    def test_webhook_reply_does_not_quote_a_signing_secret(self, provider: Provider):
        secret = f"whsec_{'Ab0/' * 8}"
        provider.server.answers["/"] = reply(f"got {secret}".encode(), X_Secret=secret)
        answer = provider.client.post_webhook(provider.server.url, {}, b"{}")
        assert (answer.body, answer.headers["x-secret"]) == (b"got __redacted__", "__redacted__")

    def test_declared_type_of_an_output_does_not_quote_the_key(self, provider: Provider):
        provider.server.answers["/v1/video"] = reply(b"x", content_type="upstream-key")
        REDACTOR.remember("upstream-key")
        with provider.client.download(provider.upstream, Output(url="/video")) as stream:
            assert stream.content_type == "__redacted__"

    def test_job_id_that_contains_the_key_still_works(self, provider: Provider):
        answer = provider.send(reply(b'{"id": "job-upstream-key"}'))
        job_id = json.loads(answer.body)["id"]
        assert job_id == "job-__redacted__"
        provider.server.answers["/v1/videos/job-upstream-key"] = reply(b"{}")
        provider.client.send(provider.upstream, HttpCall("GET", f"/videos/{job_id}"))
        assert provider.server.received[-1].path == "/v1/videos/job-upstream-key"

    @pytest.mark.parametrize("own_origin", [True, False])
    def test_output_url_with_the_key_works_at_the_providers_origin_only(
        self,
        provider: Provider,
        other_server: RawServer,
        own_origin: bool,  # noqa: FBT001 - a column
    ):
        server = provider.server if own_origin else other_server
        server.answers["/file"] = reply(VIDEO)
        url = f"{server.url}/file?key=__redacted__"
        if own_origin:
            assert provider.download(url) == VIDEO
            assert provider.server.received[-1].path == "/file?key=upstream-key"
        else:
            with pytest.raises(InvalidOutput, match="URL contains the API key"):
                provider.download(url)
            assert other_server.connections == 0

    def test_prompt_is_never_replaced_by_the_key(self, provider: Provider):
        provider.send(reply(), HttpCall("POST", "/videos", json={"prompt": "a __redacted__ fox"}))
        assert json.loads(provider.server.received[0].body) == {"prompt": "a __redacted__ fox"}
