"""Responses, and calls of the client under test, for the tests of `rushes.http`."""

from dataclasses import dataclass, field

from rushes.http.client import SafeHttpClient
from rushes.jobs.request import StoredFile, Upload
from rushes.jobs.result import Output
from rushes.ports.http import HttpCall, HttpReply, Upstream
from tests.fakes import FakeBlobs
from tests.raw_http import Answer, RawServer, endless

KEY = {"authorization": "Bearer upstream-key"}
VIDEO = b"video " * 40_000
CREATE = HttpCall("POST", "/videos", json={"prompt": "A fox"})
NOTHING = StoredFile(key="nothing", content_type="image/png", size=0)
POUR = endless(b"HTTP/1.1 200 OK\r\n\r\n", bytes(65536))
DRIP = endless(b"HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\n", b"x", 0.02)


@dataclass
class Provider:
    """A server as the provider, and the client under test."""

    server: RawServer
    blobs: FakeBlobs
    client: SafeHttpClient
    key: dict[str, str] = field(default_factory=lambda: KEY)

    @property
    def upstream(self) -> Upstream:
        return Upstream(f"{self.server.url}/v1", self.key)

    def send(self, answer: Answer, call: HttpCall = CREATE) -> HttpReply:
        self.server.answers[f"/v1{call.path}"] = answer
        return self.client.send(self.upstream, call)

    def fetch(self, answer: Answer, limit: int = 100) -> Upload:
        self.server.answers["/"] = answer
        return self.client.fetch(self.server.url, limit)

    def put(self, answer: Answer, file: StoredFile) -> None:
        self.server.answers["/"] = answer
        self.client.put(self.server.url, file)

    def download_video(self, answer: Answer) -> bytes:
        self.server.answers["/v1/video"] = answer
        return self.download("/video")

    def download(self, url: str, *, needs_key: bool = True) -> bytes:
        output = Output(url=url, needs_key=needs_key)
        with self.client.download(self.upstream, output) as stream:
            content = b"".join(stream.chunks)
            assert stream.length in (None, len(content))
            return content
