"""Print verified webhooks: WEBHOOK_SECRET=whsec_… python receiver.py 9000."""

import os
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from standardwebhooks import Webhook, WebhookVerificationError

seen: set[str] = set()


class Receiver(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        try:
            event = Webhook(os.environ["WEBHOOK_SECRET"]).verify(body, dict(self.headers.items()))
        except (WebhookVerificationError, ValueError):  # ValueError: invalid header
            self.send_error(401)
            return
        if self.headers["webhook-id"] not in seen:  # delivery is at least once
            seen.add(self.headers["webhook-id"])
            print(event["type"], event["data"]["id"], flush=True)
        self.send_response(204)
        self.end_headers()


Receiver.timeout = 10  # seconds; closes idle connections
ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Receiver).serve_forever()
