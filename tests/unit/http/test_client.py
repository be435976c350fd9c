"""The way out, over real connections on this machine."""

import base64
import gzip
import json
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from io import BufferedIOBase

import httpx
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
    UpstreamUnreachable,
)
from rushes.http import client, request_body, transport
from rushes.http.client import SafeHttpClient
from rushes.jobs.request import StoredFile, Upload
from rushes.jobs.result import Output
from rushes.ports import FormFile, HttpCall, JsonFile, Upstream
from tests.fakes import FakeBlobs
from tests.raw_http import RawServer, chunked, reply, serving

KEY = {"authorization": "Bearer upstream-key"}
FILM = b"film " * 40_000
CREATE = HttpCall("POST", "/videos", json={"prompt": "A fox"})
NOTHING = StoredFile(key="nothing", content_type="image/png", size=0)


@pytest.fixture
def server() -> Iterator[RawServer]:
    with serving() as it:
        yield it


@pytest.fixture
def elsewhere() -> Iterator[RawServer]:
    with serving() as it:
        yield it


@pytest.fixture
def blobs() -> FakeBlobs:
    blobs = FakeBlobs()
    blobs.objects[NOTHING.key] = b""
    return blobs


@pytest.fixture
def door(blobs: FakeBlobs) -> SafeHttpClient:
    return SafeHttpClient(blobs, local_mode=True)


@pytest.fixture
def upstream(server: RawServer) -> Upstream:
    return Upstream(f"{server.url}/v1", KEY)


def download(
    door: SafeHttpClient, upstream: Upstream, url: str, *, needs_key: bool = True
) -> bytes:
    with door.download(upstream, Output(url=url, needs_key=needs_key)) as it:
        content = b"".join(it.chunks)
        assert it.length in (None, len(content))
        return content


def drip(writer: BufferedIOBase) -> None:
    """Enough of a head, then a byte now and then, for ever."""
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\n")
    while True:
        writer.write(b"x")
        time.sleep(0.02)


def pour(writer: BufferedIOBase) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
    while True:
        writer.write(bytes(65536))


class TestSend:
    def test_a_call_goes_to_its_path_below_the_base_url_with_the_key(
        self, server: RawServer, door: SafeHttpClient, upstream: Upstream
    ):
        server.answers["/v1/videos"] = reply(b'{"id": "1"}', "201 Created", X_Tell="Me")
        answer = door.send(upstream, CREATE)
        assert (answer.status, answer.body, answer.headers["x-tell"]) == (201, b'{"id": "1"}', "Me")
        (received,) = server.received
        assert (received.method, received.path) == ("POST", "/v1/videos")
        assert json.loads(received.body) == {"prompt": "A fox"}
        assert received.headers["content-type"] == "application/json"
        assert received.headers["authorization"] == "Bearer upstream-key"
        assert received.headers["accept-encoding"] == "identity"
        assert received.headers["user-agent"] == "rushes"

    def test_a_call_without_a_body_has_none(
        self, server: RawServer, door: SafeHttpClient, upstream: Upstream
    ):
        server.answers["/v1/videos/1"] = reply()
        door.send(upstream, HttpCall("DELETE", "/videos/1"))
        (received,) = server.received
        assert (received.method, received.body) == ("DELETE", b"")
        assert "content-type" not in received.headers

    def test_an_escaped_path_arrives_as_it_was_written(
        self, server: RawServer, door: SafeHttpClient, upstream: Upstream
    ):
        server.answers["/v1/videos/a%2Fb%25:x"] = reply()
        door.send(upstream, HttpCall("GET", "/videos/a%2Fb%25:x"))
        assert server.received[0].path == "/v1/videos/a%2Fb%25:x"

    def test_a_form_is_multipart_with_its_files_out_of_the_bucket(
        self, server: RawServer, door: SafeHttpClient, upstream: Upstream, blobs: FakeBlobs
    ):
        blobs.put("inputs/one", Upload("image", "image/png", b"\x89PNG picture"))
        picture = StoredFile(key="inputs/one", content_type="image/png", size=12)
        server.answers["/v1/videos"] = reply()
        form: dict[str, str | FormFile] = {
            "prompt": "Ein Füchslein",
            "image": FormFile("reference", picture),
        }
        door.send(upstream, HttpCall("POST", "/videos", form=form))
        (received,) = server.received
        boundary = received.headers["content-type"].partition("multipart/form-data; boundary=")[2]
        _, prompt, image, _ = received.body.split(f"--{boundary}".encode())
        assert prompt.split(b"\r\n\r\n") == [
            b'\r\nContent-Disposition: form-data; name="prompt"',
            "Ein Füchslein\r\n".encode(),
        ]
        head, _, content = image.partition(b"\r\n\r\n")
        assert b'name="image"; filename="reference"\r\nContent-Type: image/png' in head
        assert content == b"\x89PNG picture\r\n"

    def test_a_form_of_words_only_is_multipart_all_the_same(
        self, server: RawServer, door: SafeHttpClient, upstream: Upstream
    ):
        server.answers["/v1/videos"] = reply()
        door.send(upstream, HttpCall("POST", "/videos", form={"prompt": "A fox"}))
        (received,) = server.received
        assert received.headers["content-type"].startswith("multipart/form-data; boundary=")
        assert b"filename" not in received.body

    def test_a_file_that_memory_would_not_hold_is_not_sent(
        self, server: RawServer, door: SafeHttpClient, upstream: Upstream
    ):
        film = StoredFile(
            key="outputs/one", content_type="video/mp4", size=request_body.FILE_BYTES + 1
        )
        with pytest.raises(InvalidInputFile, match="too large to be sent"):
            door.send(upstream, HttpCall("POST", "/v", form={"video": FormFile("f", film)}))
        assert not server.connections

    def test_a_file_inside_json_comes_out_of_the_bucket(
        self, server: RawServer, door: SafeHttpClient, upstream: Upstream, blobs: FakeBlobs
    ):
        picture = blobs.put("inputs/one", Upload("image", "image/png", b"\x89PNG picture"))
        server.answers["/v1/videos"] = reply()
        json_body = {"images": [JsonFile(picture, "data_url"), JsonFile(picture, "link")]}
        door.send(upstream, HttpCall("POST", "/videos", json=json_body))
        (received,) = server.received
        assert received.headers["content-type"] == "application/json"
        assert json.loads(received.body) == {
            "images": [
                "data:image/png;base64,iVBORyBwaWN0dXJl",
                "https://bucket.example/inputs/one?filename=one",
            ]
        }

    def test_a_calls_own_headers_go_along_and_never_for_the_key(
        self, server: RawServer, door: SafeHttpClient, upstream: Upstream
    ):
        server.answers["/v1/videos"] = reply()
        own = {"x-api-version": "2024-11-06", "authorization": "Bearer somebody"}
        door.send(upstream, HttpCall("POST", "/videos", json={}, headers=own))
        (received,) = server.received
        assert received.headers["x-api-version"] == "2024-11-06"
        assert received.headers["authorization"] == "Bearer upstream-key"
        assert json.loads(received.body) == {}

    @pytest.mark.parametrize("status", ["301", "302", "303", "307", "308"])
    def test_a_redirect_is_an_answer_and_is_not_followed(
        self,
        server: RawServer,
        elsewhere: RawServer,
        door: SafeHttpClient,
        upstream: Upstream,
        status: str,
    ):
        server.answers["/v1/videos"] = reply(b"", f"{status} Go", location=f"{elsewhere.url}/x")
        assert door.send(upstream, CREATE).status == int(status)
        assert not elsewhere.connections

    @pytest.mark.parametrize("location", ["https://a..b/", "https://xn--zzz--/", "//[", ":"])
    def test_a_hopeless_redirect_never_makes_a_create_call_count_as_unsent(
        self, server: RawServer, door: SafeHttpClient, upstream: Upstream, location: str
    ):
        server.answers["/v1/videos"] = reply(b"", "302 Found", location=location)
        assert door.send(upstream, CREATE).status == 302
        assert server.connections == 1

    @pytest.mark.parametrize("status", ["429 Slow", "500 Oh", "502 Bad", "503 Busy", "504 Late"])
    def test_an_error_is_an_answer_and_nothing_is_tried_again(
        self, server: RawServer, door: SafeHttpClient, upstream: Upstream, status: str
    ):
        server.answers["/v1/videos"] = reply(b"oh", status, retry_after="7")
        answer = door.send(upstream, CREATE)
        assert (answer.status, answer.headers["retry-after"]) == (int(status[:3]), "7")
        assert server.connections == 1

    @pytest.mark.parametrize(
        "answer",
        [
            b"",
            b"HTTP/1.1 200 OK\r\ncontent-le",
            b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{",
            b"SSH-2.0-OpenSSH_9.2\r\n",
            chunked(b'{"id": ', end=False),
            reply(b"no gzip at all", content_encoding="gzip"),
            b"HTTP/1.1 200 OK\r\ncontent-length: -5\r\n\r\n",
        ],
        ids=["nothing", "half a head", "half a body", "not HTTP", "cut", "bad gzip", "bad length"],
    )
    def test_a_call_without_a_whole_answer_is_silent_and_was_made_once(
        self, server: RawServer, door: SafeHttpClient, upstream: Upstream, answer: bytes
    ):
        server.answers["/v1/videos"] = answer
        with pytest.raises(UpstreamNoResponse, match="no answer from"):
            door.send(upstream, CREATE)
        assert (server.connections, len(server.received)) == (1, 1)

    def test_a_server_that_never_answers_is_silent(
        self, server: RawServer, upstream: Upstream, monkeypatch: pytest.MonkeyPatch
    ):
        monkeypatch.setattr(transport, "TIMEOUT", httpx.Timeout(0.2))
        server.answers["/v1/videos"] = lambda _: time.sleep(0.5)
        with pytest.raises(UpstreamNoResponse, match="ReadTimeout"):
            SafeHttpClient(FakeBlobs(), local_mode=True).send(upstream, CREATE)
        assert server.connections == 1

    def test_a_server_that_drips_is_not_waited_for_beyond_the_limit(
        self,
        server: RawServer,
        door: SafeHttpClient,
        upstream: Upstream,
        monkeypatch: pytest.MonkeyPatch,
    ):
        monkeypatch.setattr(client, "CALL_SECONDS", 0.3)
        server.answers["/v1/videos"] = drip
        with pytest.raises(UpstreamNoResponse, match="ReadTimeout"):
            door.send(upstream, CREATE)

    def test_a_closed_port_is_unreachable(self, door: SafeHttpClient):
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", 0))
            port = listener.getsockname()[1]
        with pytest.raises(UpstreamUnreachable, match="ConnectError"):
            door.send(Upstream(f"http://127.0.0.1:{port}", {}), CREATE)

    def test_a_name_that_does_not_resolve_is_unreachable(
        self, door: SafeHttpClient, monkeypatch: pytest.MonkeyPatch
    ):
        def nobody(*_: object, **__: object) -> None:
            raise socket.gaierror(socket.EAI_NONAME, "unknown")

        monkeypatch.setattr(socket, "getaddrinfo", nobody)
        with pytest.raises(UpstreamUnreachable, match=r"nowhere\.example cannot be reached"):
            door.send(Upstream("http://nowhere.example", {}), CREATE)

    def test_a_server_that_speaks_no_tls_is_unreachable(
        self, server: RawServer, door: SafeHttpClient
    ):
        server.answers[""] = b""
        base_url = server.url.replace("http:", "https:")
        with pytest.raises(UpstreamUnreachable):
            door.send(Upstream(base_url, {}), CREATE)

    def test_an_endless_answer_is_cut_off(
        self, server: RawServer, door: SafeHttpClient, upstream: Upstream
    ):
        server.answers["/v1/videos"] = pour
        with pytest.raises(UpstreamProtocolError, match="too long"):
            door.send(upstream, CREATE)

    def test_a_bomb_is_cut_off(self, server: RawServer, door: SafeHttpClient, upstream: Upstream):
        bomb = gzip.compress(bytes(client.REPLY_BYTES + 1_000_000))
        server.answers["/v1/videos"] = reply(bomb, content_encoding="gzip")
        with pytest.raises(UpstreamProtocolError, match="too long"):
            door.send(upstream, CREATE)

    def test_an_answer_in_gzip_is_read(
        self, server: RawServer, door: SafeHttpClient, upstream: Upstream
    ):
        server.answers["/v1/videos"] = reply(gzip.compress(b"{}"), content_encoding="gzip")
        assert door.send(upstream, CREATE).body == b"{}"

    def test_no_connection_is_used_twice(
        self, server: RawServer, door: SafeHttpClient, upstream: Upstream
    ):
        """One kept while the function is frozen may be dead when the next call is sent into it."""
        hung_up = threading.Semaphore(0)

        def answer_and_stay(writer: BufferedIOBase) -> None:
            writer.write(reply(b"{}", connection="keep-alive"))
            with suppress(OSError):
                while True:
                    time.sleep(0.01)
                    writer.write(b"x")
            hung_up.release()

        server.answers["/v1/videos"] = answer_and_stay
        for calls in (1, 2):
            door.send(upstream, CREATE)
            assert server.connections == calls
            assert hung_up.acquire(timeout=5)

    def test_no_cookie_is_kept(self, server: RawServer, door: SafeHttpClient, upstream: Upstream):
        server.answers["/v1/videos"] = reply(b"{}", set_cookie="job=one; Path=/")
        door.send(upstream, CREATE)
        door.send(upstream, CREATE)
        assert all("cookie" not in received.headers for received in server.received)

    @pytest.mark.parametrize("name", ["HTTP_PROXY", "ALL_PROXY", "http_proxy", "all_proxy"])
    def test_proxy_variables_are_not_looked_at(
        self,
        server: RawServer,
        elsewhere: RawServer,
        upstream: Upstream,
        monkeypatch: pytest.MonkeyPatch,
        name: str,
    ):
        monkeypatch.setenv(name, elsewhere.url)
        server.answers["/v1/videos"] = reply()
        SafeHttpClient(FakeBlobs(), local_mode=True).send(upstream, CREATE)
        assert (server.connections, elsewhere.connections) == (1, 0)

    def test_a_path_that_leads_to_somebody_else_is_not_followed(self, door: SafeHttpClient):
        with pytest.raises(UpstreamProtocolError, match="somebody else"):
            door.send(Upstream("http://127.0.0.1", KEY), HttpCall("GET", "@evil.example/x"))

    @pytest.mark.parametrize("base_url", ["http://vllm.example/v1", "ftp://x", "x", "https://"])
    def test_a_base_url_that_is_not_https_is_a_fault_of_the_deployment(self, base_url: str):
        with pytest.raises(ProviderNotConfigured, match="base_url"):
            SafeHttpClient(FakeBlobs(), local_mode=False).send(Upstream(base_url, {}), CREATE)


class TestFetch:
    def test_a_picture_comes_with_its_type_and_no_key_is_shown(
        self, server: RawServer, door: SafeHttpClient
    ):
        server.answers["/fox.png"] = reply(b"\x89PNG", content_type="image/png")
        upload = door.fetch(f"{server.url}/fox.png?size=1", 100)
        assert upload == Upload("input_reference", "image/png", b"\x89PNG")
        assert server.received[0].path == "/fox.png?size=1"
        assert "authorization" not in server.received[0].headers

    def test_a_page_is_handed_on_for_what_it_says_it_is(
        self, server: RawServer, door: SafeHttpClient
    ):
        """Whether it is a picture is decided by its bytes, by whoever asked for it."""
        server.answers["/"] = reply(b"<html>", content_type="text/html")
        assert door.fetch(f"{server.url}/", 100).content_type == "text/html"

    def test_exactly_the_limit_is_taken_and_a_byte_more_is_not(
        self, server: RawServer, door: SafeHttpClient
    ):
        server.answers["/"] = reply(b"x" * 100)
        assert len(door.fetch(server.url, 100).content) == 100
        with pytest.raises(InvalidInputFile, match="too large"):
            door.fetch(server.url, 99)

    @pytest.mark.parametrize("status", ["204 No", "304 Same", "404 Gone", "500 Oh"])
    def test_anything_but_a_200_is_no_picture(
        self, server: RawServer, door: SafeHttpClient, status: str
    ):
        server.answers["/"] = reply(b"", status)
        with pytest.raises(InvalidInputFile, match=f"answered {status[:3]}"):
            door.fetch(server.url, 100)

    def test_redirects_are_followed_three_times(self, server: RawServer, door: SafeHttpClient):
        for number in range(4):
            server.answers[f"/{number}"] = reply(b"", "302 Go", location=f"/{number + 1}")
        server.answers["/4"] = reply(b"picture")
        assert door.fetch(f"{server.url}/1", 100).content == b"picture"
        with pytest.raises(InvalidInputFile, match="more than 3 redirects"):
            door.fetch(f"{server.url}/0", 100)

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
    def test_what_is_no_address_of_a_picture_is_refused(self, door: SafeHttpClient, url: str):
        with pytest.raises(InvalidInputFile, match="cannot be fetched"):
            door.fetch(url, 100)

    @pytest.mark.parametrize("answer", [b"", b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nx"])
    def test_a_picture_that_breaks_off_is_none(
        self, server: RawServer, door: SafeHttpClient, answer: bytes
    ):
        server.answers["/"] = answer
        with pytest.raises(InvalidInputFile, match="cannot be fetched"):
            door.fetch(server.url, 100)


class TestPut:
    @pytest.fixture
    def picture(self, blobs: FakeBlobs) -> StoredFile:
        return blobs.put("inputs/one", Upload("image", "image/png", b"\x89PNG picture"))

    @pytest.mark.parametrize("status", ["200 OK", "201 Created", "204 No"])
    def test_a_file_is_put_whole_to_the_address_and_no_key_is_shown(
        self, server: RawServer, door: SafeHttpClient, picture: StoredFile, status: str
    ):
        server.answers["/put/1"] = reply(b"", status)
        door.put(f"{server.url}/put/1?signature=a%2Fb", picture)
        (received,) = server.received
        assert (received.method, received.path) == ("PUT", "/put/1?signature=a%2Fb")
        assert received.body == b"\x89PNG picture"
        assert received.headers["content-length"] == str(len(received.body))
        assert "authorization" not in received.headers

    @pytest.mark.parametrize("status", ["302 Go", "400 No", "403 No", "429 Slow", "503 Busy"])
    def test_a_file_that_is_not_taken_may_be_brought_again(
        self,
        server: RawServer,
        elsewhere: RawServer,
        door: SafeHttpClient,
        picture: StoredFile,
        status: str,
    ):
        server.answers["/"] = reply(b"", status, location=elsewhere.url)
        with pytest.raises(UpstreamThrottled, match=f"the upload was answered {status[:3]}"):
            door.put(server.url, picture)
        assert (server.connections, elsewhere.connections) == (1, 0)

    def test_an_upload_without_an_answer_is_silent(
        self, server: RawServer, door: SafeHttpClient, picture: StoredFile
    ):
        server.answers["/"] = b""
        with pytest.raises(UpstreamNoResponse):
            door.put(server.url, picture)
        assert server.connections == 1

    @pytest.mark.parametrize(
        "url",
        ["", "/put/1", "file:///tmp/x", "ftp://127.0.0.1/x", "http://u:p@127.0.0.1:1/"],
    )
    def test_what_is_no_address_to_put_a_file_to_is_the_providers_fault(
        self, door: SafeHttpClient, picture: StoredFile, url: str
    ):
        with pytest.raises(UpstreamProtocolError, match="upload address will not do"):
            door.put(url, picture)

    @pytest.mark.parametrize(
        "url", ["http://uploads.example/1", "https://127.0.0.1:1/", "https://169.254.169.254/x"]
    )
    def test_on_aws_an_address_must_be_https_and_public(self, blobs: FakeBlobs, url: str):
        picture = blobs.put("inputs/one", Upload("image", "image/png", b"1"))
        with pytest.raises(UpstreamProtocolError, match="upload address will not do"):
            SafeHttpClient(blobs, local_mode=False).put(url, picture)

    def test_a_file_that_is_gone_is_a_fault_of_the_job(
        self, server: RawServer, door: SafeHttpClient, picture: StoredFile, blobs: FakeBlobs
    ):
        blobs.objects.clear()
        with pytest.raises(InvalidInputFile, match="is gone"):
            door.put(server.url, picture)
        assert not server.connections

    def test_a_file_that_memory_would_not_hold_is_not_sent(
        self, server: RawServer, door: SafeHttpClient, picture: StoredFile
    ):
        film = picture.model_copy(update={"size": request_body.FILE_BYTES + 1})
        with pytest.raises(InvalidInputFile, match="too large to be sent"):
            door.put(server.url, film)
        assert not server.connections


class TestUnpackedDownload:
    """Outputs that stand in base64 inside a JSON reply."""

    @pytest.fixture
    def wrapping(self, server: RawServer) -> RawServer:
        """A provider that tells its film at /v1/film."""
        films = [{"bytes": base64.b64encode(FILM).decode()}]
        body = json.dumps({"films": films}).encode()
        server.answers["/v1/film"] = reply(body, content_type="application/json")
        return server

    @pytest.mark.parametrize(
        ("json_body", "asked"),
        [
            (None, ("GET", b"")),
            ({"operation": "up/1"}, ("POST", b'{"operation":"up/1"}')),
            ({}, ("POST", b"{}")),
        ],
    )
    def test_a_file_is_taken_out_of_the_reply_and_the_key_goes_along(
        self,
        wrapping: RawServer,
        door: SafeHttpClient,
        upstream: Upstream,
        json_body: dict[str, str] | None,
        asked: tuple[str, bytes],
    ):
        output = Output(
            url="/film",
            pointer="/films/0/bytes",
            content_type="video/mp4",
            json_body=json_body,
        )
        with door.download(upstream, output) as it:
            assert (it.length, it.content_type) == (len(FILM), "video/mp4")
            assert b"".join(it.chunks) == FILM
        (received,) = wrapping.received
        assert received.path == "/v1/film"
        assert (received.method, received.body) == asked
        assert received.headers["authorization"] == "Bearer upstream-key"

    @pytest.mark.parametrize("status", ["401 No", "404 No", "410 Gone", "429 Slow", "500 Oh"])
    def test_a_refusal_is_worth_another_look(
        self, server: RawServer, door: SafeHttpClient, upstream: Upstream, status: str
    ):
        server.answers["/v1/film"] = reply(b"{}", status)
        with (
            pytest.raises(DownloadInterrupted, match=status[:3]),
            door.download(upstream, Output(url="/film", pointer="/film")),
        ):
            pass

    @pytest.mark.usefixtures("wrapping")
    def test_a_reply_without_the_file_is_a_bad_output(
        self, door: SafeHttpClient, upstream: Upstream
    ):
        with (
            pytest.raises(InvalidOutput, match="there is no file at /films/1/bytes"),
            door.download(upstream, Output(url="/film", pointer="/films/1/bytes")),
        ):
            pass

    def test_it_is_fetched_from_the_provider_itself_only(
        self, elsewhere: RawServer, door: SafeHttpClient
    ):
        output = Output(url="@evil.example/film", pointer="/film")
        with (
            pytest.raises(UpstreamProtocolError, match="somebody else"),
            door.download(Upstream(elsewhere.url, KEY), output),
        ):
            pass
        assert not elsewhere.connections


class TestDownload:
    @pytest.mark.parametrize("needs_key", [True, False])
    def test_an_output_is_streamed_with_what_is_known_of_it(
        self, server: RawServer, door: SafeHttpClient, upstream: Upstream, *, needs_key: bool
    ):
        server.answers["/v1/videos/1/content"] = reply(FILM, content_type="video/mp4")
        output = Output(url="/videos/1/content", needs_key=needs_key)
        with door.download(upstream, output) as it:
            assert (it.length, it.content_type) == (len(FILM), "video/mp4")
            pieces = list(it.chunks)
        assert b"".join(pieces) == FILM
        assert max(len(piece) for piece in pieces) <= 65536
        assert ("authorization" in server.received[0].headers) == needs_key

    def test_an_output_in_chunks_has_no_length(
        self, server: RawServer, door: SafeHttpClient, upstream: Upstream
    ):
        server.answers["/v1/film"] = chunked(FILM[:100], FILM[100:])
        with door.download(upstream, Output(url="/film")) as it:
            assert it.length is None
            assert b"".join(it.chunks) == FILM

    def test_a_length_beside_chunks_does_not_count(
        self, server: RawServer, door: SafeHttpClient, upstream: Upstream
    ):
        lying = chunked(FILM).replace(b"\r\n", b"\r\ncontent-length: 7\r\n", 1)
        server.answers["/v1/film"] = lying
        assert download(door, upstream, "/film") == FILM

    @pytest.mark.parametrize(
        "answer",
        [reply(FILM, content_length=str(len(FILM) + 1)), chunked(FILM, end=False)],
        ids=["short of its length", "cut between chunks"],
    )
    def test_an_output_that_breaks_off_is_interrupted(
        self, server: RawServer, door: SafeHttpClient, upstream: Upstream, answer: bytes
    ):
        server.answers["/v1/film"] = answer
        with pytest.raises(DownloadInterrupted, match="broke off"):
            download(door, upstream, "/film")

    def test_an_output_that_takes_for_ever_is_interrupted(
        self,
        server: RawServer,
        door: SafeHttpClient,
        upstream: Upstream,
        monkeypatch: pytest.MonkeyPatch,
    ):
        monkeypatch.setattr(client, "OUTPUT_SECONDS", 0.3)
        server.answers["/v1/film"] = drip
        with pytest.raises(DownloadInterrupted, match="ReadTimeout"):
            download(door, upstream, "/film")

    def test_an_endless_output_is_as_long_as_somebody_reads(
        self, server: RawServer, door: SafeHttpClient, upstream: Upstream
    ):
        server.answers["/v1/film"] = pour
        with door.download(upstream, Output(url="/film")) as it:
            assert it.length is None
            for _ in range(50):
                next(it.chunks)

    @pytest.mark.parametrize("status", [401, 403, 404, 408, 410, 429, 500, 502, 503, 504])
    def test_a_dead_link_is_worth_another_look(
        self, server: RawServer, door: SafeHttpClient, upstream: Upstream, status: int
    ):
        server.answers["/v1/film"] = reply(b"no", f"{status} No")
        with pytest.raises(DownloadInterrupted, match=f"answered {status}"):
            download(door, upstream, "/film")

    @pytest.mark.parametrize("status", [201, 204, 206, 300, 304, 400, 451])
    def test_an_answer_that_is_no_film_is_not_taken_for_one(
        self, server: RawServer, door: SafeHttpClient, upstream: Upstream, status: int
    ):
        server.answers["/v1/film"] = reply(b"", f"{status} Hm")
        with pytest.raises(InvalidOutput, match=f"answered {status}"):
            download(door, upstream, "/film")

    @pytest.mark.parametrize("encoding", ["gzip", "br", "zstd", "deflate, gzip"])
    def test_an_output_in_an_encoding_not_asked_for_is_not_stored(
        self, server: RawServer, door: SafeHttpClient, upstream: Upstream, encoding: str
    ):
        server.answers["/v1/film"] = reply(gzip.compress(FILM), content_encoding=encoding)
        with pytest.raises(InvalidOutput, match="encoding not asked for"):
            download(door, upstream, "/film")
        assert server.received[0].headers["accept-encoding"] == "identity"

    def test_the_key_stays_behind_where_a_redirect_leads_away(
        self, server: RawServer, elsewhere: RawServer, door: SafeHttpClient, upstream: Upstream
    ):
        server.answers["/v1/film"] = reply(b"", "302 Go", location="/v2/film")
        server.answers["/v2/film"] = reply(b"", "302 Go", location=f"{elsewhere.url}/film")
        elsewhere.answers["/film"] = reply(FILM)
        assert download(door, upstream, "/film") == FILM
        assert [it.headers.get("authorization") for it in server.received] == [*KEY.values()] * 2
        assert "authorization" not in elsewhere.received[0].headers

    def test_the_key_does_not_come_back_with_a_redirect_to_its_home(
        self, server: RawServer, elsewhere: RawServer, door: SafeHttpClient, upstream: Upstream
    ):
        server.answers["/v1/film"] = reply(b"", "302 Go", location=f"{elsewhere.url}/film")
        elsewhere.answers["/film"] = reply(b"", "302 Go", location=f"{server.url}/v1/account")
        server.answers["/v1/account"] = reply(FILM)
        download(door, upstream, "/film")
        assert "authorization" not in server.received[1].headers

    def test_an_output_elsewhere_sees_no_key(
        self, server: RawServer, elsewhere: RawServer, door: SafeHttpClient, upstream: Upstream
    ):
        elsewhere.answers["/film"] = reply(FILM)
        assert download(door, upstream, f"{elsewhere.url}/film") == FILM
        assert "authorization" not in elsewhere.received[0].headers
        assert not server.connections

    def test_a_whole_address_at_the_providers_own_origin_gets_the_key(
        self, server: RawServer, door: SafeHttpClient, upstream: Upstream
    ):
        server.answers["/files/1"] = reply(FILM)
        download(door, upstream, f"{server.url}/files/1")
        assert server.received[0].headers["authorization"] == "Bearer upstream-key"

    def test_more_than_three_redirects_are_too_many(
        self, server: RawServer, door: SafeHttpClient, upstream: Upstream
    ):
        server.answers["/v1/film"] = reply(b"", "302 Go", location="/v1/film")
        with pytest.raises(InvalidOutput, match="more than 3 redirects"):
            download(door, upstream, "/film")
        assert server.connections == 4

    @pytest.mark.parametrize("url", ["", "film", "data:video/mp4;base64,AAAA", "s3://bucket/film"])
    def test_what_is_no_address_of_an_output_is_refused(
        self, door: SafeHttpClient, upstream: Upstream, url: str
    ):
        with pytest.raises(InvalidOutput, match="cannot be fetched"):
            download(door, upstream, url)

    def test_what_goes_wrong_while_the_output_is_stored_stays_what_it_is(
        self, server: RawServer, door: SafeHttpClient, upstream: Upstream
    ):
        server.answers["/v1/film"] = reply(FILM)
        with (
            pytest.raises(ValueError, match="disk full"),
            door.download(upstream, Output(url="/film")),
        ):
            raise ValueError("disk full")


@pytest.mark.parametrize(
    "ask",
    [
        lambda door, it: door.send(it, HttpCall("GET", "/x")),
        lambda door, it: door.fetch(f"{it.base_url}/x", 1),
        lambda door, it: download(door, it, "/x"),
        lambda door, it: door.put(f"{it.base_url}/x", NOTHING),
    ],
    ids=["send", "fetch", "download", "put"],
)
def test_no_trouble_tells_the_key(
    server: RawServer, door: SafeHttpClient, ask: Callable[[SafeHttpClient, Upstream], object]
):
    server.answers["/x"] = b""
    upstream = Upstream(server.url, {"authorization": "Bearer TELL-TALE"})
    with pytest.raises(UpstreamError) as trouble:
        ask(door, upstream)
    assert not re.search("TELL-TALE", f"{trouble.value!r} {upstream!r}")
