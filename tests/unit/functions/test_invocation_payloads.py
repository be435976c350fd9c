"""Every payload of events/invoke runs on a stack without jobs, and its README names its folder."""

import json
import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import boto3
import pytest

from local.packaging import ROOT
from rushes.wiring import aws as aws_wiring
from tests.faults.moto_stack import ENVIRONMENT, MotoStack
from tests.lambda_context import InvocationContext
from tests.wiring_caches import clear_wiring

FOLDER = ROOT / "events/invoke"
CASES = sorted(FOLDER.glob("*/*.json"))
FIFO = {"FifoQueue": "true"}


@pytest.fixture(scope="module", autouse=True)
def stack() -> Iterator[None]:
    """Deploy an empty stack in this process."""
    patch = pytest.MonkeyPatch()
    for name, value in ENVIRONMENT.items():
        patch.setenv(name, value)
    running = MotoStack()
    running.reset()
    sqs: Any = boto3.client("sqs")
    for variable, name, attributes in (
        ("EVENTS_QUEUE_URL", "events", {}),
        ("DELIVERIES_QUEUE_URL", "deliveries.fifo", FIFO),
    ):
        url = sqs.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]
        patch.setenv(variable, url)
    patch.setattr(aws_wiring, "SESSION", boto3.session.Session())
    clear_wiring()
    yield
    clear_wiring()
    running.stop()
    patch.undo()


def expected(function: str) -> dict[str, Any]:
    if function in ("submit", "poll", "collect"):
        return {"status": "ending"}
    responses: dict[str, dict[str, Any]] = {
        "api": {"statusCode": 401},
        "finish": {"status": "unknown"},
        "sweep": {},
        "notify": {"batchItemFailures": []},
        "deliver": {"batchItemFailures": []},
    }
    return responses[function]


@pytest.mark.parametrize("path", CASES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_function_handles_payload(path: Path):
    function = path.parent.name
    handler: Any = import_module(f"functions.{function}.app").lambda_handler
    response = handler(json.loads(path.read_text("utf-8")), InvocationContext())
    assert response.items() >= expected(function).items()


def test_readme_names_every_folder_and_an_existing_payload():
    text = (FOLDER / "README.md").read_text("utf-8")
    folders = {path.name for path in FOLDER.iterdir() if path.is_dir()}
    assert set(re.findall(r"`(\w+)/`", text)) == folders
    named = re.findall(r"(?:EVENT=|events/invoke/)(\w+/\w+)", text)
    assert named
    assert {f"{path.parent.name}/{path.stem}" for path in CASES} >= set(named)
