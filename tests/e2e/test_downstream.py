"""Tests of the downstream example: a gallery of completed videos, deployed beside the stack."""

import json
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from local.packaging import read_template
from local.stack import Stack
from tests.e2e.small_jobs import completes, create, create_until_answered
from tests.waiting import MAX_WAIT_SECONDS, wait_for
from tests.webhook_soak.gallery import TEMPLATE, Gallery

JOBS = 6


@pytest.fixture(scope="module")
def gallery(stack: Stack) -> Gallery:
    return Gallery(stack)


def test_template_needs_only_bus_and_bucket():
    template = read_template(TEMPLATE)
    assert set(template["Parameters"]) == {"BusName", "BucketName"}


def test_gallery_shows_each_completed_video(client: httpx.Client, gallery: Gallery):
    """Create jobs concurrently, so that the events and page updates overlap."""

    def create_numbered(number: int) -> str:
        prompt = "x [fail]" if number == 0 else f"video {number}"
        return create_until_answered(client, prompt)

    with ThreadPoolExecutor(JOBS) as pool:
        failing, *ids = pool.map(create_numbered, range(JOBS))
    for job_id in ids:
        assert completes(client, job_id, MAX_WAIT_SECONDS)
    wait_for(lambda: set(ids) <= gallery.videos().keys())
    videos = gallery.videos()
    assert failing not in videos
    for job_id in ids:
        video = gallery.s3.get_object(Bucket=gallery.bucket, Key=videos[job_id])
        assert video["Body"].read(8)[4:] == b"ftyp"
        assert video["ContentType"] == "video/mp4"
    keys = re.findall(r'<video src="([^"]+)"', gallery.page())
    assert keys == sorted(keys, reverse=True)


def test_gallery_is_unchanged_by_a_repeated_event(
    client: httpx.Client, aws: Callable[[str], Any], gallery: Gallery, events: Any
):
    job_id = create(client).json()["id"]
    event = events.of(job_id, seconds=MAX_WAIT_SECONDS)[0]
    wait_for(lambda: job_id in gallery.videos())
    before = gallery.page()
    resource = {"StackName": "gallery", "LogicalResourceId": "GalleryFunction"}
    found = aws("cloudformation").describe_stack_resource(**resource)["StackResourceDetail"]
    for _ in range(2):
        payload = json.dumps({"detail": event})
        reply = aws("lambda").invoke(FunctionName=found["PhysicalResourceId"], Payload=payload)
        assert "FunctionError" not in reply, reply["Payload"].read()
    assert gallery.page() == before
