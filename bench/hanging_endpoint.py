"""Measure the delivery delay of webhooks while another endpoint of the account hangs.

    python -m bench.hanging_endpoint [--small]

Two accounts on the local stack have 99 endpoints each that answer at once; one account has one
more, which never answers. Times run from PutEvents until an endpoint receives the event.
"""

import argparse
import json
import statistics
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

from typing_extensions import override

from local.stack import Stack
from rushes.aws.dynamodb.webhooks import EndpointTable
from rushes.webhooks.endpoint import Endpoint, Secret
from rushes.webhooks.signature import new_secret

if TYPE_CHECKING:
    from mypy_boto3_events import EventBridgeClient

ALONE, BESIDE = "alone", "beside"
DELIVERY_TIMEOUT = 16.0
"""Seconds after which a delivery to the hanging endpoint has timed out."""
MAX_WAIT = 120.0
received: dict[str, list[float]] = defaultdict(list)
"""The arrival times of each event, by event id."""
closing = threading.Event()


class Receiver(BaseHTTPRequestHandler):
    """Answers 204 at once; `/hang` does not answer before the end of the measurement."""

    @override
    def log_message(self, format: str, *_: object) -> None: ...

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        if self.path == "/hang":
            closing.wait()
            return
        received[self.headers["webhook-id"]].append(time.time())
        self.send_response(204)
        self.end_headers()


class Receivers(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256


@contextmanager
def receiving() -> Iterator[str]:
    with Receivers(("127.0.0.1", 0), Receiver) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        closing.set()
        server.shutdown()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--small", action="store_true", help="one round with 5 endpoints")
    rounds, endpoint_count = (1, 5) if parser.parse_args().small else (10, 99)
    with (
        tempfile.TemporaryDirectory() as folder,
        receiving() as url,
        Stack(Path(folder) / "state", workers=4) as stack,
    ):
        endpoints = EndpointTable(client(stack, "dynamodb"), stack.outputs["TableName"])
        for number in range(endpoint_count):
            for account in (ALONE, BESIDE):
                endpoints.add(endpoint(account, f"we_{account}_{number}", f"{url}/fast"))
        endpoints.add(endpoint(BESIDE, "we_hanging", f"{url}/hang"))
        bench = Bench(stack, client(stack, "events"), endpoint_count)
        bench.publish(ALONE, "warm")
        times: dict[str, list[float]] = {ALONE: [], BESIDE: []}
        for number in range(rounds):
            if number:
                time.sleep(DELIVERY_TIMEOUT)
            for account, waits in times.items():
                waits.extend(bench.publish(account, f"{account}_{number}"))
        for account, waits in times.items():
            print(f"{account:6}  {line(waits)}")
        print(f"beside / alone: p95 ratio {p95(times[BESIDE]) / p95(times[ALONE]):.2f}")


@dataclass(frozen=True)
class Bench:
    stack: Stack
    bus: "EventBridgeClient"
    endpoint_count: int

    def publish(self, account: str, job_id: str) -> list[float]:
        """Publish an event; return the seconds until each answering endpoint received it."""
        published_at = time.time()
        event_id = self._put(account, job_id)
        while len(received[event_id]) < self.endpoint_count:
            self.stack.check()
            if time.time() > published_at + MAX_WAIT:
                raise SystemExit(f"{job_id}: only {len(received[event_id])} endpoints received it")
            time.sleep(0.02)
        return [at - published_at for at in received[event_id]]

    def _put(self, account: str, job_id: str) -> str:
        event_id = f"evt_{job_id}_completed"
        event = {
            "id": event_id,
            "type": "job.completed",
            "timestamp": datetime.now(UTC).isoformat(),
            "sequence": 2,
            "data": {"id": job_id, "account": account},
        }
        self.bus.put_events(
            Entries=[
                {
                    "Source": "rushes",
                    "DetailType": "job.completed",
                    "Detail": json.dumps(event),
                    "EventBusName": self.stack.outputs["BusName"],
                }
            ]
        )
        return event_id


def client(stack: Stack, service: str) -> Any:  # noqa: ANN401
    session: Any = stack.session()
    return session.client(service, endpoint_url=stack.engine_url)


def endpoint(account: str, endpoint_id: str, url: str) -> Endpoint:
    now = time.time()
    return Endpoint(
        id=endpoint_id,
        account=account,
        url=url,
        secrets=(Secret(value=new_secret()),),
        created_at=now,
        updated_at=now,
    )


def p95(times: list[float]) -> float:
    return statistics.quantiles(times, n=20)[-1]


def line(times: list[float]) -> str:
    return f"p50 {statistics.median(times):6.2f} s   p95 {p95(times):6.2f} s   n {len(times)}"


if __name__ == "__main__":
    main()
