"""How many state transitions, polls and history events jobs of some length cause, for real.

    python -m bench.history [SECONDS …]

The first row of each length is a job of a kind that is not known yet, the last one of a kind that
has been learned; `late` is how long after the upstream's end the job was completed.
"""

import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

import boto3
import httpx

from local.stack import Stack

PRICE_OF_TRANSITION = 25e-6
"""US dollars, AWS list price in us-east-1, November 2026; the start counts as one."""
ROUNDS = 4


def main() -> None:
    lengths = [int(argument) for argument in sys.argv[1:]] or [30]
    with tempfile.TemporaryDirectory() as folder, Stack(Path(folder) / "state") as stack:
        print("render s | job of its kind | transitions | polls | events | $ per 1,000 | late s")
        for length in lengths:
            for number in range(1, ROUNDS + 1):
                print_row(stack, length, number)


def print_row(stack: Stack, length: int, number: int) -> None:
    environment = stack.environment()
    key = {"authorization": f"Bearer {environment['RUSHES_API_KEY']}"}
    # Each length is a kind of its own: jobs are told apart by the seconds of film asked for.
    body = {"model": "sora-2", "prompt": f"[slow={length}]", "size": "128x72", "seconds": "1"}
    with httpx.Client(base_url=stack.url, headers=key, timeout=60) as client:
        job = client.post("/openai/v1/videos", json=body).json()
        submitted = time.time()
        while (job := client.get(f"/openai/v1/videos/{job['id']}").json())["status"] in (
            "queued",
            "in_progress",
        ):
            time.sleep(0.25)
    late = time.time() - submitted - length
    counts = history(environment, job["id"])
    transitions = sum(n for kind, n in counts.items() if kind.endswith("StateEntered")) + 1
    polls = counts["Ask the provider"]
    price = transitions * PRICE_OF_TRANSITION * 1000
    print(
        f"{length:8} | {number:15} | {transitions:11} | {polls:5} | {counts['events']:6}"
        f" | {price:11.2f} | {late:6.1f}"
    )


def history(environment: dict[str, str], job_id: str) -> Counter[str]:
    """Events by their type, and states by their name."""
    states: Any = boto3.client(
        "stepfunctions",
        endpoint_url=environment["AWS_ENDPOINT_URL"],
        aws_access_key_id=environment["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=environment["AWS_SECRET_ACCESS_KEY"],
        region_name=environment["AWS_REGION"],
    )
    machine = environment["RUSHES_STATE_MACHINE"]
    execution = f"{machine.replace(':stateMachine:', ':execution:')}:{job_id}"
    pages = states.get_paginator("get_execution_history").paginate(executionArn=execution)
    counts: Counter[str] = Counter()
    for event in (event for page in pages for event in page["events"]):
        counts["events"] += 1
        counts[event["type"]] += 1
        if entered := event.get("stateEnteredEventDetails"):
            counts[entered["name"]] += 1
    return counts


if __name__ == "__main__":
    main()
