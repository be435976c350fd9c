"""How long others wait for their webhooks while one of an account's endpoints hangs.

    python bench/hanging_endpoint.py [ROUNDS]

Two accounts on the local stack, each with 99 endpoints that answer at once; one of them has a
hundredth that never does. Their events take turns. Times are from an event's being put on the
bus until an endpoint has it.
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
from dataclasses import dataclass
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
from typing_extensions import override

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "layers/rushes")]

from local.stack import REGION, Stack  # noqa: E402 - found by the line above
from rushes.aws.dynamodb.webhooks import EndpointTable  # noqa: E402
from rushes.webhooks.endpoint import Endpoint, Secret  # noqa: E402
from rushes.webhooks.signature import new_secret  # noqa: E402

if TYPE_CHECKING:
    from mypy_boto3_events import EventBridgeClient

ENDPOINTS = 100
ALONE, BESIDE = "alone", "beside"
HANGING = 16.0
"""Seconds after which a hanging endpoint is given up, for this time."""
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
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 10
    with (
        tempfile.TemporaryDirectory() as folder,
        receiving() as url,
        Stack(Path(folder) / "state", workers=4) as stack,
    ):
        here = session(stack)
        endpoints = EndpointTable(client(here, stack, "dynamodb"), stack.outputs["TableName"])
        for number in range(1, ENDPOINTS):
            for account in (ALONE, BESIDE):
                endpoints.add(endpoint(account, f"we_{account}_{number}", f"{url}/fast"))
        endpoints.add(endpoint(BESIDE, "we_hanging", f"{url}/hang"))
        bench = Bench(stack, client(here, stack, "events"))
        bench.tell(ALONE, "warm")
        times: dict[str, list[float]] = {ALONE: [], BESIDE: []}
        for number in range(rounds):
            for account, waits in times.items():
                waits.extend(bench.tell(account, f"{account}_{number}"))
            time.sleep(HANGING)
        for account, waits in times.items():
            print(f"{account:6}  {line(waits)}")
        print(f"p95 is {p95(times[BESIDE]) / p95(times[ALONE]):.2f} times what it was")


@dataclass(frozen=True)
class Bench:
    stack: Stack
    bus: "EventBridgeClient"

    def tell(self, account: str, job_id: str) -> list[float]:
        """Seconds until each of an account's endpoints that answer had the event."""
        told_at = time.time()
        event_id = self._put(account, job_id)
        while len(received[event_id]) < ENDPOINTS - 1:
            self.stack.check()
            if time.time() > told_at + LONGEST_WAIT:
                raise SystemExit(f"{job_id}: only {len(received[event_id])} have it")
            time.sleep(0.02)
        return [at - told_at for at in received[event_id]]

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


def session(stack: Stack) -> boto3.session.Session:
    environment = stack.environment()
    return boto3.session.Session(
        environment["AWS_ACCESS_KEY_ID"], environment["AWS_SECRET_ACCESS_KEY"], region_name=REGION
    )


def client(here: boto3.session.Session, stack: Stack, service: str) -> Any:  # noqa: ANN401
    make: Any = here.client
    return make(service, endpoint_url=stack.environment()["AWS_ENDPOINT_URL"])


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
