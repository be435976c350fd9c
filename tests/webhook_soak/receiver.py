"""Webhook receiver with random failures. It stores each verified message before it responds.

    python receiver.py --port 9000 --file messages.jsonl --life 1 --failure-rate 0.3

Lines are JSON: `life`, `path`, `id` and `timestamp` from the headers, `body` unparsed, `answer`
(a status code, null for a closed connection) and `at`; `refused` for an unverified message.
"""

import argparse
import json
import os
import random
import socket
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from standardwebhooks import Webhook, WebhookVerificationError
from typing_extensions import override

ACCEPTED = 204
FAILURES = (500, 503, 307, None)
"""Status codes; None closes the connection without a response."""
WORK_SECONDS = 0.02
"""Between store and response; a kill there loses the response."""


class MessageFile:
    """Append-only file of JSON lines; `write` returns after fsync."""

    def __init__(self, file: Path) -> None:
        # A killed process may have left an incomplete line.
        separator = b"\n" if file.exists() and file.stat().st_size else b""
        self._file = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        os.write(self._file, separator)

    def write(self, **line: Any) -> None:
        os.write(self._file, json.dumps(line).encode() + b"\n")
        os.fsync(self._file)


def receiver(
    messages: MessageFile, webhook: Webhook, life: int, failure_rate: float
) -> type[BaseHTTPRequestHandler]:
    class Receiver(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            """Health check."""
            self._answer(200)

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            name = self.headers["webhook-id"]
            try:
                webhook.verify(body, dict(self.headers.items()))
            except (WebhookVerificationError, ValueError) as error:
                messages.write(life=life, id=name, refused=str(error))
                self._answer(401)
                return
            fails = random.random() < failure_rate  # noqa: S311 - no secret
            answer = random.choice(FAILURES) if fails else ACCEPTED  # noqa: S311
            messages.write(
                life=life,
                path=self.path,
                id=name,
                timestamp=int(self.headers["webhook-timestamp"]),
                body=body.decode(),
                answer=answer,
                at=time.time(),
            )
            time.sleep(WORK_SECONDS)
            if answer is None:
                self.connection.shutdown(socket.SHUT_RDWR)
            else:
                self._answer(answer)

        def _answer(self, status: int) -> None:
            self.send_response(status)
            if status == 307:  # to this server, which would record a followed redirect
                self.send_header("location", "/elsewhere")
            self.end_headers()

        @override
        def log_message(self, format: str, *args: object) -> None:
            """Log nothing: the file has all messages."""

    return Receiver


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--file", type=Path, required=True)
    parser.add_argument("--life", type=int, required=True)
    parser.add_argument("--failure-rate", type=float, required=True)
    args = parser.parse_args()
    webhook = Webhook(os.environ["WEBHOOK_SECRET"])
    handler = receiver(MessageFile(args.file), webhook, args.life, args.failure_rate)
    ThreadingHTTPServer(("127.0.0.1", args.port), handler).serve_forever()


if __name__ == "__main__":
    main()
