"""Local HTTP server that stores webhook messages and returns planned status codes."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from typing_extensions import override

MAX_WAIT_SECONDS = 180
PAUSE_SECONDS = 0.1


class WebhookReceiverError(Exception):
    """The expected messages did not arrive."""


@dataclass(frozen=True)
class Message:
    """`headers` has lower-case names; `body` is unparsed, as the signature covers its bytes."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]

    @property
    def payload(self) -> Any:  # noqa: ANN401 - any JSON
        return json.loads(self.body)


@dataclass
class WebhookReceiver:
    """`url` has no path: each subscriber may have its own."""

    url: str
    messages: list[Message] = field(default_factory=list)
    answers: dict[str, list[int]] = field(default_factory=dict)
    """Status codes by path, consumed in order; then 204."""

    def at(self, path: str, count: int = 1, seconds: float = MAX_WAIT_SECONDS) -> list[Message]:
        """Wait for at least `count` messages at a path, and return all of them."""
        deadline = time.monotonic() + seconds
        while True:
            messages = [message for message in self.messages if message.path == path]
            if len(messages) >= count:
                return messages
            if time.monotonic() > deadline:
                text = f"{path} received {len(messages)} of {count} messages in {seconds:.0f} s"
                raise WebhookReceiverError(text)
            time.sleep(PAUSE_SECONDS)


@contextmanager
def webhook_receiver() -> Iterator[WebhookReceiver]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            receiver.messages.append(Message(self.path, headers, body))
            planned = receiver.answers.get(self.path)
            self.send_response(planned.pop(0) if planned else 204)
            self.end_headers()

        @override
        def log_message(self, format: str, *args: object) -> None:
            """Log nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    receiver = WebhookReceiver(f"http://127.0.0.1:{server.server_address[1]}")
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
