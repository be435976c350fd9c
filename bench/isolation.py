"""Measure one account's jobs and webhooks while another account overloads the deployment.

    python -m bench.isolation [--small] [--only TEXT]

The local stack runs with more function processes than one account may use, as AWS does. Times run
from the create call to the completed job, and to its webhook; and of each request to the API.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx

from bench.isolation_loads import LOADS, VIDEO, Load, Size, flood
from local.stack import Stack
from local.webhook_receiver import WebhookReceiver, webhook_receiver

CREATES_PER_MINUTE = "24"
"""In the flood: a sixth of what two cores can run, as the template's default is of a deployment."""
INTERVAL = 3.0
"""Between two measured jobs, below that limit."""
WORKERS, SMALL_WORKERS = 24, 6
MAX_WAIT = 600.0
PAUSE = 0.05


@dataclass(frozen=True)
class Times:
    """Seconds from the create call."""

    job: float
    webhook: float
    calls: list[float]
    """Of each request to the API."""


class MeasuredAccount:
    """Runs one small job after another. Its webhooks arrive at `receiver`."""

    def __init__(self, http: httpx.Client, receiver: WebhookReceiver) -> None:
        self._http = http
        self._receiver = receiver
        self._calls: list[float] = []
        endpoint = {"url": f"{receiver.url}/measured", "event_types": ["job.completed"]}
        http.post("/openai/v1/webhook_endpoints", json=endpoint).raise_for_status()

    def run(self, count: int) -> list[Times]:
        return [self._run_one(number) for number in range(count)]

    def _run_one(self, number: int) -> Times:
        self._calls = []
        started = time.monotonic()
        created = self._create(f"measured {number}")
        job = webhook = 0.0
        while not (job and webhook):
            now = time.monotonic() - started
            if now > MAX_WAIT:
                raise SystemExit(f"{created['id']}: job {job:.1f} s, webhook {webhook:.1f} s")
            if not webhook and self._has_webhook(created["id"]):
                webhook = now
            if not job and self._is_completed(created["id"]):
                job = now
            time.sleep(PAUSE)
        time.sleep(INTERVAL)
        return Times(job, webhook, self._calls)

    def _create(self, prompt: str) -> dict[str, str]:
        """Repeat the call after a 5xx, as SDKs do: its time counts."""
        headers = {"idempotency-key": str(uuid4())}
        while True:
            body = {**VIDEO, "prompt": prompt}
            reply = self._request("POST", "/openai/v1/videos", json=body, headers=headers)
            if reply.status_code < 500:
                created: dict[str, str] = reply.raise_for_status().json()
                return created
            time.sleep(PAUSE)

    def _request(self, method: str, path: str, **options: Any) -> httpx.Response:  # noqa: ANN401 - httpx
        started = time.monotonic()
        reply = self._http.request(method, path, **options)
        self._calls.append(time.monotonic() - started)
        return reply

    def _is_completed(self, job_id: str) -> bool:
        reply = self._request("GET", f"/openai/v1/videos/{job_id}")
        status = reply.json()["status"] if reply.is_success else "unknown"
        if status == "failed":
            raise SystemExit(f"{job_id} failed")
        return bool(status == "completed")

    def _has_webhook(self, job_id: str) -> bool:
        return any(message.payload["data"]["id"] == job_id for message in self._receiver.messages)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--small", action="store_true", help="one job, small loads, one stack")
    parser.add_argument("--only", default="", help="loads whose name contains this text")
    arguments = parser.parse_args()
    size, count = Size(small=arguments.small), 1 if arguments.small else 10
    loads = [name for name in LOADS if arguments.only in name]
    # In the small form all loads share a stack; the flood is its last one.
    for group in [loads] if arguments.small else [[name] for name in loads]:
        with environment(group, small=arguments.small) as (measured, load_http):
            for name in group:
                report(name, *measure(LOADS[name], size, count, measured, load_http))


@contextmanager
def environment(loads: list[str], *, small: bool) -> Iterator[tuple[MeasuredAccount, httpx.Client]]:
    """Yield the measured account on a running stack, and a client of the account of the loads."""
    limited = any(LOADS[name] is flood for name in loads)
    with (
        tempfile.TemporaryDirectory() as folder,
        webhook_receiver() as receiver,
        Stack(
            Path(folder) / "state",
            workers=SMALL_WORKERS if small else WORKERS,
            parameters={"CreatesPerMinute": CREATES_PER_MINUTE} if limited else {},
        ) as stack,
        _client(stack, "RUSHES_OTHER_API_KEY") as measured_http,
        _client(stack, "RUSHES_API_KEY") as load_http,
    ):
        measured = MeasuredAccount(measured_http, receiver)
        measured.run(1 if small else 2)  # starts the processes
        yield measured, load_http


def measure(
    load: Load, size: Size, count: int, measured: MeasuredAccount, load_http: httpx.Client
) -> tuple[list[Times], list[Times], dict[int, int]]:
    alone = measured.run(count)
    with load(size, load_http) as answers:
        time.sleep(size.ramp_seconds)
        beside = measured.run(count)
    return alone, beside, dict(answers)


def report(name: str, alone: list[Times], beside: list[Times], answers: dict[int, int]) -> None:
    print(f"{name}: answers to the load {answers}")
    for kind in ("job", "webhook"):
        before = [getattr(times, kind) for times in alone]
        during = [getattr(times, kind) for times in beside]
        ratio = statistics.median(during) / statistics.median(before)
        print(
            f"  {kind:8} alone {line(before)}   beside {line(during)}   ratio {ratio:.2f}",
            flush=True,
        )
    before, during = calls_of(alone), calls_of(beside)
    ratio = p95(during) / p95(before)
    print(
        f"  request  alone p95 {p95(before):5.2f} s (n {len(before)})"
        f"   beside p95 {p95(during):5.2f} s (n {len(during)})   ratio {ratio:.2f}",
        flush=True,
    )


def calls_of(times: list[Times]) -> list[float]:
    return [seconds for one in times for seconds in one.calls]


def p95(seconds: list[float]) -> float:
    return statistics.quantiles(seconds, n=20)[-1]


def _client(stack: Stack, variable: str) -> httpx.Client:
    headers = {"authorization": f"Bearer {stack.environment()[variable]}"}
    return httpx.Client(base_url=stack.url, headers=headers, timeout=120, trust_env=False)


def line(times: list[float]) -> str:
    return f"p50 {statistics.median(times):5.2f} s  max {max(times):5.2f} s"


if __name__ == "__main__":
    main()
