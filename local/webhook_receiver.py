"""A receiver of webhooks on this machine: keeps every message, and answers as it is told to."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from typing_extensions import override

LOOK_SECONDS = 0.1


class WebhookReceiverError(Exception):
    """What was waited for did not come."""


@dataclass(frozen=True)
class Message:
    """`headers` has lower-case names; `body` is as it came, for that is what is signed."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]

    @property
    def told(self) -> Any:  # noqa: ANN401 - whatever it says
        return json.loads(self.body)


@dataclass
class WebhookReceiver:
    """`url` has no path: each subscriber may have its own."""

    url: str
    messages: list[Message] = field(default_factory=list)
    answers: dict[str, list[int]] = field(default_factory=dict)
    """Statuses by path, used up one by one; then it is 204."""

    def at(self, path: str, count: int = 1, seconds: float = 60) -> list[Message]:
        """The messages at a path, waiting until there are so many."""
        deadline = time.monotonic() + seconds
        while True:
            found = [it for it in self.messages if it.path == path]
            if len(found) >= count:
                return found
            if time.monotonic() > deadline:
                raise WebhookReceiverError(f"{len(found)} messages came to {path}, not {count}")
            time.sleep(LOOK_SECONDS)


@contextmanager
def webhook_receiver() -> Iterator[WebhookReceiver]:
    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            made.messages.append(Message(self.path, headers, body))
            planned = made.answers.get(self.path)
            self.send_response(planned.pop(0) if planned else 204)
            self.end_headers()

        @override
        def log_message(self, format: str, *args: object) -> None:
            """Nothing: whoever waits for a message tells of it."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    made = WebhookReceiver(f"http://127.0.0.1:{server.server_address[1]}")
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield made
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
