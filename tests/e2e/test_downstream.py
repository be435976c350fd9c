"""The example application downstream: deployed beside the stack, it keeps a page of all films."""

import json
import re
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from local.deployment import deploy
from local.packaging import ROOT, package, read_template
from local.stack import Stack
from tests.e2e.small_jobs import SMALL, completes

TEMPLATE = ROOT / "examples/downstream/template.yaml"
JOBS = 6


@pytest.fixture(scope="module")
def gallery(stack: Stack, aws: Callable[[str], Any]) -> str:
    """The name of the gallery's bucket."""
    parameters = {name: stack.outputs[name] for name in ("BusName", "BucketName")}
    template = package(TEMPLATE, aws("s3"))
    return deploy(aws("cloudformation"), "gallery", template, parameters)["GalleryName"]


def page(s3: Any, bucket: str) -> str:
    try:
        text: str = s3.get_object(Bucket=bucket, Key="index.html")["Body"].read().decode()
    except s3.exceptions.NoSuchKey:
        return ""
    return text


def shown(s3: Any, bucket: str) -> dict[str, str]:
    """Job id → the address of its film on the page."""
    return {key.split("_", 1)[1].rsplit("_", 1)[0]: key for key in keys(page(s3, bucket))}


def keys(text: str) -> list[str]:
    return re.findall(r'<video src="([^"]+)"', text)


def test_the_template_is_one_of_its_own():
    template = read_template(TEMPLATE)
    assert set(template["Parameters"]) == {"BusName", "BucketName"}


def test_each_completed_film_is_on_the_page(
    stack: Stack, client: httpx.Client, aws: Callable[[str], Any], gallery: str
):
    """Handed in at once, so that events come at once and pages are written at once."""
    s3 = aws("s3")

    def create(number: int) -> str:
        prompt = "x [fail]" if number == 0 else f"film {number}"
        key = {"authorization": f"Bearer {stack.environment()['RUSHES_API_KEY']}"}
        url = f"{stack.url}/openai/v1/videos"
        made = httpx.post(url, json={**SMALL, "prompt": prompt}, headers=key, timeout=60)
        job_id: str = made.json()["id"]
        return job_id

    with ThreadPoolExecutor(JOBS) as pool:
        failing, *ids = pool.map(create, range(JOBS))
    for job_id in ids:
        assert completes(client, job_id, 60)
    deadline = time.monotonic() + 60
    while not set(ids) <= shown(s3, gallery).keys():
        assert time.monotonic() < deadline, page(s3, gallery)
        time.sleep(0.2)
    films = shown(s3, gallery)
    assert failing not in films
    for job_id in ids:
        film = s3.get_object(Bucket=gallery, Key=films[job_id])
        assert film["Body"].read(8)[4:] == b"ftyp"
        assert film["ContentType"] == "video/mp4"
    assert keys(page(s3, gallery)) == sorted(keys(page(s3, gallery)), reverse=True)


def test_the_same_event_again_changes_nothing(
    client: httpx.Client, aws: Callable[[str], Any], gallery: str, events: Any
):
    s3 = aws("s3")
    job_id = client.post("/openai/v1/videos", json=SMALL).json()["id"]
    [event] = events.of(job_id, seconds=60)
    deadline = time.monotonic() + 60
    while job_id not in shown(s3, gallery):
        assert time.monotonic() < deadline
        time.sleep(0.2)
    before = page(s3, gallery)
    resource = {"StackName": "gallery", "LogicalResourceId": "GalleryFunction"}
    found = aws("cloudformation").describe_stack_resource(**resource)["StackResourceDetail"]
    for _ in range(2):
        payload = json.dumps({"detail": event})
        reply = aws("lambda").invoke(FunctionName=found["PhysicalResourceId"], Payload=payload)
        assert "FunctionError" not in reply, reply["Payload"].read()
    assert page(s3, gallery) == before
