"""Count the state transitions, polls and history events of jobs on the local stack.

    python -m bench.history [--small]

The first row has no recorded duration to schedule polls by, the last row has; `late` is the time
from the end of the render to the completion of the job.
"""

import argparse
import json
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

import httpx

from local.packaging import ROOT
from local.stack import Stack

PRICE_OF_TRANSITION = 25e-6
"""US dollars, AWS list price in us-east-1, November 2026; the start counts as one."""
DEFINITION = json.loads((ROOT / "statemachine/media_job.asl.json").read_text())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--small", action="store_true", help="one job of one second")
    length, rounds = (1, 1) if parser.parse_args().small else (30, 4)
    with tempfile.TemporaryDirectory() as folder, Stack(Path(folder) / "state") as stack:
        print("render s | job | transitions | polls | events | $ per 1,000 | late s", flush=True)
        for number in range(1, rounds + 1):
            print_row(stack, length, number)


def print_row(stack: Stack, length: int, number: int) -> None:
    key = {"authorization": f"Bearer {stack.environment()['RUSHES_API_KEY']}"}
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
    counts = history(stack, job["id"])
    transitions = sum(n for kind, n in counts.items() if kind.endswith("StateEntered")) + 1
    polls = counts[poll_state()]
    price = transitions * PRICE_OF_TRANSITION * 1000
    print(
        f"{length:8} | {number:3} | {transitions:11} | {polls:5} | {counts['events']:6}"
        f" | {price:11.2f} | {late:6.1f}",
        flush=True,
    )


def poll_state() -> Any:  # noqa: ANN401 - a name from parsed JSON
    """Return the name of the state that invokes the poll function."""
    tasks = {name: state for name, state in DEFINITION["States"].items() if "Arguments" in state}
    return next(key for key in tasks if "Poll" in tasks[key]["Arguments"]["FunctionName"])


def history(stack: Stack, job_id: str) -> Counter[str]:
    """Count the events by type and the entered states by name."""
    states = stack.session().client("stepfunctions", endpoint_url=stack.engine_url)
    machine = stack.outputs["StateMachineArn"]
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
