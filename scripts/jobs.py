"""The operator's hand on a deployed stack: see what hangs, and set it right.

    python scripts/jobs.py --stack rushes stuck
    python scripts/jobs.py --stack rushes show JOB
    python scripts/jobs.py --stack rushes retry JOB
    python scripts/jobs.py --stack rushes cancel JOB
    python scripts/jobs.py --stack rushes redrive

AWS is reached as boto3 is told to: by profile, by environment, or at AWS_ENDPOINT_URL.
"""

import argparse
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

sys.path.insert(0, str(Path(__file__).parents[1] / "layers" / "rushes"))

from rushes.api.build_job import JobBuilder
from rushes.api.create_job import CreateJob
from rushes.aws.dynamodb.jobs import JobTable
from rushes.aws.s3 import Bucket
from rushes.aws.step_functions import StateMachine
from rushes.catalog.models import catalog
from rushes.errors import NotFound, RushesError
from rushes.http.url_policy import PublicUrlPolicy
from rushes.jobs.idempotency import IdempotencyInfo
from rushes.jobs.job import Job
from rushes.jobs.request import CreateRequest

OVERDUE_SECONDS = 120.0
"""The sweeper looks every minute: what it has not set right by then wants a person's look."""
MANY = 1000
DEAD_LETTERS = (
    ("UndeliverableEventsUrl", "EventsUrl"),
    ("UndeliverableDeliveriesUrl", "DeliveriesUrl"),
)


@dataclass(frozen=True)
class Deployment:
    """A stack, by its outputs."""

    outputs: dict[str, str]

    @cached_property
    def jobs(self) -> JobTable:
        return JobTable(boto3.client("dynamodb"), self.outputs["TableName"])

    @cached_property
    def executions(self) -> StateMachine:
        return StateMachine(boto3.client("stepfunctions"), self.outputs["StateMachineArn"])

    @cached_property
    def accept(self) -> CreateJob:
        s3 = boto3.client("s3", config=Config(signature_version="s3v4"))
        bucket = Bucket(s3, self.outputs["BucketName"], limit=0)
        job_builder = JobBuilder(
            self.jobs, bucket, catalog(), time.time, PublicUrlPolicy(local_mode=False)
        )
        return CreateJob(job_builder, self.jobs, self.executions, time.time)

    def find(self, job_id: str) -> Job:
        """The job, whoever owns it. Reads the whole table: for people, not for programs."""
        pages = boto3.client("dynamodb").get_paginator("scan")
        search: dict[str, Any] = {
            "TableName": self.outputs["TableName"],
            "FilterExpression": "sk = :job AND contains(pk, :id)",
            "ExpressionAttributeValues": {":job": {"S": "job"}, ":id": {"S": f"#{job_id}"}},
            "ProjectionExpression": "pk",
        }
        for page in pages.paginate(**search):
            for row in page["Items"]:
                _, account, found = row["pk"]["S"].split("#", 2)
                if found == job_id and (job := self.jobs.get(account, job_id)):
                    return job
        raise NotFound(f"there is no job {job_id}")


def stuck(deployment: Deployment, _: str) -> Iterator[str]:
    """What the sweeper should have set right by now."""
    now = time.time()
    for job in deployment.jobs.due(now - OVERDUE_SECONDS, MANY):
        yield _line(job, now)


def _line(job: Job, now: float) -> str:
    why = [f"{len(job.outbox)} event(s) not announced"] if job.outbox else []
    why += [job.warnings[-1]] if job.warnings else []
    age = f"{now - job.created_at:.0f} s old, untouched for {now - job.updated_at:.0f} s"
    return f"{job.id}  {job.account}  {job.provider}  {job.stage.value}  {age}  {'; '.join(why)}"


def show(deployment: Deployment, job_id: str) -> Iterator[str]:
    """What happened to a job, in order."""
    job = deployment.find(job_id)
    yield f"{job.id} of {job.account}: {job.status.value}, {job.stage.value}"
    for moment, what in sorted(_timeline(job)):
        yield f"  {time.strftime('%Y-%m-%d %H:%M:%S', time.gmtime(moment))}  {what}"
    if job.upstream_cancelled:
        yield f"  stopped at its provider: {job.upstream_cancelled.value}"
    yield from (f"  warning: {warning}" for warning in job.warnings)
    yield from (f"  came late: {artifact.key}" for artifact in job.archived_artifacts)
    yield from (f"  not announced yet: {event['id']}" for event in job.outbox)
    running = deployment.executions.is_running(job)
    word = {True: "runs", False: "has ended", None: "was never started"}[running]
    yield f"  execution {job.execution_name} {word}"


def _timeline(job: Job) -> Iterator[tuple[float, str]]:
    yield job.created_at, f"accepted, in {job.dialect}'s words, for {job.request.model}"
    for attempt in job.attempts:
        yield attempt.ended_at, f"left {attempt.provider}: {attempt.error.code}"
    marks = {
        f"taken by {job.provider}": job.submitted_at,
        "done at the provider": job.generated_at,
        "cancel asked for": job.cancel_requested_at,
        "create call not answered": job.submission_unconfirmed_since,
        "deleted": job.deleted_at,
        f"ended: {job.error.code if job.error else job.status.value}": job.finished_at,
    }
    yield from ((moment, what) for what, moment in marks.items() if moment)


def retry(deployment: Deployment, job_id: str) -> Iterator[str]:
    """A further execution for a job that is open; the same request again for one that failed."""
    job = deployment.find(job_id)
    if not job.is_finished:
        job = deployment.jobs.change(job.account, job.id, lambda it: it.restarted(time.time()))
        deployment.executions.start(job)
        yield f"started {job.execution_name}"
        return
    if job.deleted_at or job.error is None:
        yield f"{job.id} has not failed: nothing to make again"
        return
    creation = CreateRequest(job.request, preferences=job.preferences, webhook=job.webhook)
    again = deployment.accept(job.account, job.dialect, creation, IdempotencyInfo("retry")).job
    yield f"accepted {again.id}: it will be paid for"


def cancel(deployment: Deployment, job_id: str) -> Iterator[str]:
    job = deployment.find(job_id)
    if job.has_outcome:
        yield f"{job.id} has ended already"
        return
    job = deployment.jobs.change(
        job.account,
        job.id,
        lambda it: it if it.has_outcome else it.cancel_requested(time.time()),
    )
    deployment.executions.start(job)
    yield f"asked for; {job.execution_name} sees to it"


def redrive(deployment: Deployment, _: str) -> Iterator[str]:
    """Give back to their queues what could not be worked on."""
    for dead, alive in DEAD_LETTERS:
        failed_over = _move(deployment.outputs[dead], deployment.outputs[alive])
        yield f"{failed_over} message(s) given back to {deployment.outputs[alive]}"


def _move(source: str, target: str) -> int:
    sqs = boto3.client("sqs")
    failed_over = 0
    names: Any = ["MessageGroupId", "MessageDeduplicationId"]
    while True:
        reply = sqs.receive_message(
            QueueUrl=source,
            MaxNumberOfMessages=10,
            MessageSystemAttributeNames=names,
            WaitTimeSeconds=3,  # else only some of the queue's hosts are asked
        )
        for message in reply.get("Messages", []):
            place: Any = message.get("Attributes", {})
            sqs.send_message(QueueUrl=target, MessageBody=message["Body"], **place)
            sqs.delete_message(QueueUrl=source, ReceiptHandle=message["ReceiptHandle"])
            failed_over += 1
        if not reply.get("Messages"):
            return failed_over


ACTIONS: dict[str, Callable[[Deployment, str], Iterator[str]]] = {
    "stuck": stuck,
    "show": show,
    "retry": retry,
    "cancel": cancel,
    "redrive": redrive,
}


def main() -> None:
    arguments = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    arguments.add_argument("--stack", required=True, help="the name of the deployed stack")
    arguments.add_argument("action", choices=ACTIONS)
    arguments.add_argument("job", nargs="?", default="", help="for show, retry and cancel")
    asked = arguments.parse_args()
    if asked.action in ("show", "retry", "cancel") and not asked.job:
        arguments.error(f"{asked.action} wants a job's id")
    try:
        for line in ACTIONS[asked.action](Deployment(outputs_of(asked.stack)), asked.job):
            print(line)
    except (BotoCoreError, ClientError, RushesError) as error:
        sys.exit(str(error))


def outputs_of(stack: str) -> dict[str, str]:
    described = boto3.client("cloudformation").describe_stacks(StackName=stack)["Stacks"][0]
    return {output["OutputKey"]: output["OutputValue"] for output in described["Outputs"]}


if __name__ == "__main__":
    main()
