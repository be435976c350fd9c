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

from sandbox.request_origin import joined_headers, refusal

MAX_WAIT_SECONDS = 300
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

    def accept(self, message: Message) -> int:
        """Store a message and return its planned status code."""
        self.messages.append(message)
        planned = self.answers.get(message.path)
        return planned.pop(0) if planned else 204

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
            raw = (
                (name.encode("latin-1"), value.encode("latin-1"))
                for name, value in self.headers.items()
            )
            headers = joined_headers(raw)
            status = 403 if refusal(headers) else receiver.accept(Message(self.path, headers, body))
            self.send_response(status)
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
