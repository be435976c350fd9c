"""How long others wait for their webhooks while one of an account's endpoints hangs.

    python bench/hanging_endpoint.py [EVENTS]

A hundred endpoints of one account on the local stack, which all get each event; first all of them
answer at once, then one of them never does. Times are from the event's place on the bus until
the receiver has it.
"""

import json
import statistics
import sys
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
from typing_extensions import override

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "layers/rushes")]

from local.stack import REGION, Stack  # noqa: E402 - found by the line above
from rushes.webhook_store import EndpointTable  # noqa: E402
from rushes.webhooks.model import Endpoint, Secret  # noqa: E402
from rushes.webhooks.signature import new_secret  # noqa: E402

if TYPE_CHECKING:
    from mypy_boto3_events import EventBridgeClient

ENDPOINTS = 100
PAUSE = 3.0
"""Seconds between events, in which a hundred deliveries are easily made on two cores."""
LONGEST_WAIT = 120.0
received: dict[str, list[float]] = defaultdict(list)
"""When the endpoints got each event, by its id."""
closing = threading.Event()


class Receiver(BaseHTTPRequestHandler):
    """`/hang` says nothing until this is over."""

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
    events = int(sys.argv[1]) if len(sys.argv) > 1 else 10
    with (
        tempfile.TemporaryDirectory() as folder,
        receiving() as url,
        Stack(Path(folder) / "state", workers=4) as stack,
    ):
        here = session(stack)
        endpoints = EndpointTable(client(here, stack, "dynamodb"), stack.outputs["TableName"])
        for number in range(1, ENDPOINTS):
            endpoints.add(endpoint(f"we_{number}", f"{url}/fast"))
        bus = client(here, stack, "events")
        tell(bus, stack, "warm", ENDPOINTS - 1)
        times = run(bus, stack, "alone", events)
        print(f"99 that answer           {line(times)}")
        endpoints.add(endpoint("we_hanging", f"{url}/hang"))
        with_one = run(bus, stack, "beside", events)
        print(f"the same beside a hanger {line(with_one)}")
        print(f"p95 is {p95(with_one) / p95(times):.2f} times what it was")


def run(bus: "EventBridgeClient", stack: Stack, name: str, events: int) -> list[float]:
    """Seconds until each of the 99 had each of the events."""
    times: list[float] = []
    for number in range(events):
        times += tell(bus, stack, f"{name}_{number}", ENDPOINTS - 1)
        time.sleep(PAUSE)
    return times


def tell(bus: "EventBridgeClient", stack: Stack, job_id: str, expected: int) -> list[float]:
    event_id, told_at = f"evt_{job_id}_completed", time.time()
    detail = {
        "id": event_id,
        "type": "job.completed",
        "timestamp": datetime.now(UTC).isoformat(),
        "sequence": 2,
        "data": {"id": job_id, "account": "bench"},
    }
    entry = {"Source": "rushes", "DetailType": "job.completed", "Detail": json.dumps(detail)}
    bus.put_events(Entries=[{**entry, "EventBusName": stack.outputs["BusName"]}])
    deadline = told_at + LONGEST_WAIT
    while len(received[event_id]) < expected:
        stack.check()
        if time.time() > deadline:
            raise SystemExit(f"{job_id}: only {len(received[event_id])} of {expected} have it")
        time.sleep(0.02)
    return [at - told_at for at in received[event_id]]


def session(stack: Stack) -> boto3.session.Session:
    environment = stack.environment()
    return boto3.session.Session(
        environment["AWS_ACCESS_KEY_ID"], environment["AWS_SECRET_ACCESS_KEY"], region_name=REGION
    )


def client(here: boto3.session.Session, stack: Stack, service: str) -> Any:  # noqa: ANN401
    make: Any = here.client
    return make(service, endpoint_url=stack.environment()["AWS_ENDPOINT_URL"])


def endpoint(endpoint_id: str, url: str) -> Endpoint:
    now = time.time()
    return Endpoint(
        id=endpoint_id,
        account="bench",
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
