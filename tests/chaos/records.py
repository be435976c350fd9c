"""Records of a run: the jobs, their files and the sandbox's request log."""

import hashlib
import time
from collections import defaultdict
from dataclasses import dataclass
from typing import Any

import httpx
from botocore.config import Config

from local.stack import Stack
from rushes.aws.dynamodb.job_items import read_job
from rushes.jobs.job import Job
from tests.chaos.repeating_clients import show

RETRIES = Config(proxies={}, retries={"total_max_attempts": 5})


@dataclass(frozen=True)
class Records:
    jobs: dict[str, list[Job]]
    """Jobs by prompt; prompts are unique to a run."""
    creates: dict[str, list[dict[str, Any]]]
    """Accepted create calls at the sandbox, by prompt."""
    executions: int


def rows(stack: Stack) -> list[Job]:
    dynamodb = stack.session().client("dynamodb", endpoint_url=stack.engine_url, config=RETRIES)
    pages = dynamodb.get_paginator("scan").paginate(
        TableName=stack.outputs["TableName"], ConsistentRead=True
    )
    parts: dict[str, dict[str, Any]] = defaultdict(dict)
    for item in (item for page in pages for item in page["Items"]):
        if item["pk"]["S"].startswith("JOB#"):
            parts[item["pk"]["S"]][item["sk"]["S"]] = item
    return [read_job(items["job"], items.get("request")) for items in parts.values()]


def wait_until_all_finished(stack: Stack, seconds: float) -> list[Job]:
    """Return all jobs once none is open, or after `seconds`."""
    deadline = time.monotonic() + seconds
    while True:
        jobs = rows(stack)
        still_open = sum(not job.is_finished for job in jobs)
        if not still_open or time.monotonic() > deadline:
            return jobs
        show(f"{still_open} jobs open")
        time.sleep(1)


def read(stack: Stack) -> Records:
    jobs: dict[str, list[Job]] = defaultdict(list)
    for job in rows(stack):
        jobs[job.request.prompt].append(job)
    creates: dict[str, list[dict[str, Any]]] = defaultdict(list)
    request_log = httpx.get(f"{stack.sandbox_url}/_request_log", trust_env=False, timeout=60).json()
    for create in request_log["creates"]:
        if create["accepted"]:
            creates[create["prompt"]].append(create)
    started = sum(job.executions for found in jobs.values() for job in found)
    return Records(jobs, creates, started)


class Files:
    """Compares the objects in the bucket with the jobs' artifacts."""

    def __init__(self, stack: Stack) -> None:
        session = stack.session()
        self._s3 = session.client("s3", endpoint_url=stack.engine_url, config=RETRIES)
        self._bucket = stack.outputs["BucketName"]
        self.bytes_read = 0

    def problems(self, job: Job) -> list[str]:
        """Return the problems of a completed job's files."""
        if not job.artifacts:
            return ["it has no file"]
        return [problem for artifact in job.artifacts if (problem := self._problem(artifact))]

    def _problem(self, artifact: Any) -> str:
        try:
            content = self._s3.get_object(Bucket=self._bucket, Key=artifact.key)["Body"].read()
        except self._s3.exceptions.NoSuchKey:
            return f"{artifact.key} is not in the bucket"
        self.bytes_read += len(content)
        if len(content) != artifact.size or not content:
            return f"{artifact.key} has {len(content)} bytes, {artifact.size} by its record"
        if hashlib.sha256(content).hexdigest() != artifact.sha256:
            return f"{artifact.key} has another SHA-256 than its record"
        return ""
