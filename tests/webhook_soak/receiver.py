"""A subscriber that fails often. What it can verify it writes down for good, and then it answers.

WEBHOOK_SECRET=whsec_… python receiver.py --port 9000 --file heard.jsonl --life 1 --failing 0.3

Lines are JSON: `life`, `path`, `id` and `timestamp` as in the headers, `body` as it came, `answer`
(a status, None where the connection is closed instead) and `at`; of what is not verified `refused`.
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

TAKEN = 204
FAILURES = (500, 503, 307, None)
"""Statuses; None closes the connection without a word."""
WORK_SECONDS = 0.02
"""Between writing down and answering: there a kill costs the sender its answer."""


class Heard:
    """A file that lines are only put behind. A line is on the disk when `write` returns."""

    def __init__(self, file: Path) -> None:
        # Whoever was killed may have left half a line.
        begin = b"\n" if file.exists() and file.stat().st_size else b""
        self._file = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        os.write(self._file, begin)

    def write(self, **line: Any) -> None:
        os.write(self._file, json.dumps(line).encode() + b"\n")
        os.fsync(self._file)


def receiver(
    heard: Heard, webhook: Webhook, life: int, failing: float
) -> type[BaseHTTPRequestHandler]:
    class Receiver(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            """Whether it runs."""
            self._answer(200)

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            name = self.headers["webhook-id"]
            try:
                webhook.verify(body, dict(self.headers.items()))
            except (WebhookVerificationError, ValueError) as error:
                heard.write(life=life, id=name, refused=str(error))
                self._answer(401)
                return
            fails = random.random() < failing  # noqa: S311 - no secret
            answer = random.choice(FAILURES) if fails else TAKEN  # noqa: S311
            heard.write(
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
            if status == 307:  # to itself, where whoever followed it would be heard
                self.send_header("location", "/elsewhere")
            self.end_headers()

        @override
        def log_message(self, format: str, *args: object) -> None:
            """Nothing: all that matters is in the file."""

    return Receiver


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--file", type=Path, required=True)
    parser.add_argument("--life", type=int, required=True)
    parser.add_argument("--failing", type=float, required=True)
    asked = parser.parse_args()
    webhook = Webhook(os.environ["WEBHOOK_SECRET"])
    handler = receiver(Heard(asked.file), webhook, asked.life, asked.failing)
    ThreadingHTTPServer(("127.0.0.1", asked.port), handler).serve_forever()


if __name__ == "__main__":
    main()
