"""The Postman collection is current, and each of its requests reaches its operation."""

import json
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from local.packaging import ROOT
from rushes.api.openapi import FOLDER
from scripts.generate_postman import FILE
from tests.openapi.server import LocalApi, served_api

COLLECTION: dict[str, Any] = json.loads(FILE.read_text("utf-8"))


def requests(items: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for item in items:
        yield from requests(item["item"]) if "item" in item else [item["request"]]


@pytest.fixture(scope="module")
def api() -> Iterator[LocalApi]:
    with served_api() as api:
        yield api


def test_collection_is_current():
    command = [sys.executable, "-m", "scripts.generate_postman", "--check"]
    done = subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_collection_has_every_operation():
    documents = [json.loads((FOLDER / f"{name}.json").read_text()) for name in ("native", "openai")]
    operations = sum(len(methods) for found in documents for methods in found["paths"].values())
    assert len(list(requests(COLLECTION["item"]))) == operations


def test_requests_reach_their_operations(api: LocalApi):
    accepted = 0
    with httpx.Client(headers={"authorization": f"Bearer {api.key}"}) as client:
        for request in requests(COLLECTION["item"]):
            url = request["url"]["raw"].replace("{{base_url}}", api.url)
            for variable in request["url"]["variable"]:
                value = api.finished_job if variable["key"] == "job_id" else "none"
                url = url.replace(f":{variable['key']}", value)
            body = request.get("body", {}).get("raw")
            headers = {"content-type": "application/json"} if body else {}
            response = client.request(request["method"], url, content=body, headers=headers)
            assert response.status_code < 500, (url, response.text)
            assert "unknown_url" not in response.text
            assert response.status_code != 405
            accepted += response.status_code < 400
    assert accepted >= 15


@pytest.mark.parametrize("name", ["Create a job, or only price it", "Create a video job"])
def test_example_creates_a_job(api: LocalApi, name: str):
    [body] = [
        item["request"]
        for group in COLLECTION["item"]
        for folder in group["item"]
        for item in folder["item"]
        if item["name"] == name
    ]
    response = httpx.post(
        body["url"]["raw"].replace("{{base_url}}", api.url),
        content=body["body"]["raw"],
        headers={"authorization": f"Bearer {api.key}", "content-type": "application/json"},
    )
    assert response.status_code in (200, 201), response.text
