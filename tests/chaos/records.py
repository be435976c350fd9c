"""What is left when everything has ended: rows, files, and what the sandbox was asked to make."""

import hashlib
from collections import defaultdict
from dataclasses import dataclass
from typing import Any

import httpx
from botocore.config import Config

from local.stack import Stack
from rushes.jobs.job import Job

PATIENT = Config(proxies={}, retries={"total_max_attempts": 5})


@dataclass(frozen=True)
class Records:
    jobs: dict[str, list[Job]]
    """By prompt; each run's prompts are its own."""
    creates: dict[str, list[dict[str, Any]]]
    """By prompt: the sandbox's create calls that made something."""
    executions: int


def rows(stack: Stack) -> list[Job]:
    dynamodb = stack.session().client("dynamodb", endpoint_url=stack.engine_url, config=PATIENT)
    pages = dynamodb.get_paginator("scan").paginate(
        TableName=stack.outputs["TableName"], ConsistentRead=True
    )
    items = (item for page in pages for item in page["Items"])
    return [
        Job.model_validate_json(item["document"]["S"])
        for item in items
        if item["sk"].get("S") == "job"
    ]


def read(stack: Stack) -> Records:
    jobs: dict[str, list[Job]] = defaultdict(list)
    for job in rows(stack):
        jobs[job.request.prompt].append(job)
    creates: dict[str, list[dict[str, Any]]] = defaultdict(list)
    request_log = httpx.get(f"{stack.sandbox_url}/_ledger", trust_env=False, timeout=60).json()
    for create in request_log["creates"]:
        if create["accepted"]:
            creates[create["prompt"]].append(create)
    started = sum(job.executions for found in jobs.values() for job in found)
    return Records(jobs, creates, started)


class Files:
    """The bucket's objects, read whole."""

    def __init__(self, stack: Stack) -> None:
        session = stack.session()
        self._s3 = session.client("s3", endpoint_url=stack.engine_url, config=PATIENT)
        self._bucket = stack.outputs["BucketName"]
        self.bytes_read = 0

    def faults(self, job: Job) -> list[str]:
        """What is wrong with the files of a completed job."""
        if not job.artifacts:
            return ["it has no file"]
        return [fault for artifact in job.artifacts if (fault := self._fault(artifact))]

    def _fault(self, artifact: Any) -> str:
        try:
            content = self._s3.get_object(Bucket=self._bucket, Key=artifact.key)["Body"].read()
        except self._s3.exceptions.NoSuchKey:
            return f"{artifact.key} is not in the bucket"
        self.bytes_read += len(content)
        if len(content) != artifact.size or not content:
            return f"{artifact.key} has {len(content)} bytes, {artifact.size} by its row"
        if hashlib.sha256(content).hexdigest() != artifact.sha256:
            return f"{artifact.key} is not what its row says"
        return ""
