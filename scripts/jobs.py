"""Inspect and repair the jobs of a deployed stack.

    python scripts/jobs.py --stack rushes stuck
    python scripts/jobs.py --stack rushes show JOB
    python scripts/jobs.py --stack rushes retry JOB
    python scripts/jobs.py --stack rushes cancel JOB
    python scripts/jobs.py --stack rushes reindex

boto3 finds AWS by profile, environment variables or AWS_ENDPOINT_URL.
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

from rushes.api.account_limits import AccountLimits
from rushes.api.build_job import JobBuilder
from rushes.api.create_job import CreateJob
from rushes.aws.config_store import ConfigStore
from rushes.aws.dynamodb.items import BY_PROVIDER
from rushes.aws.dynamodb.jobs import JobTable
from rushes.aws.published_catalogs import PublishedCatalogs
from rushes.aws.s3 import Bucket
from rushes.aws.step_functions import StateMachine, execution_arn
from rushes.catalog.limits import Limit
from rushes.errors import NotFound, RushesError
from rushes.http.url_policy import InputUrlPolicy, PublicUrlPolicy
from rushes.jobs.epoch import Epoch
from rushes.jobs.idempotency import IdempotencyInfo
from rushes.jobs.job import Job
from rushes.jobs.request import CreateRequest
from rushes.jobs.result import JobError
from rushes.workflow.job_metrics import spend_of

OVERDUE_SECONDS = 120.0
"""Jobs that are due for longer than this need an operator: the sweeper runs every minute."""
MAX_JOBS = 5000
"""Of each account and kind of work."""
EVENTS, POLL_STATE = 100, "Poll provider"
"""Latest events of an execution that are searched for a poll, which takes nine."""
DEAD_LETTER_SECONDS = 3600.0
"""A dead letter is polled, and its next check is due, within this time."""


@dataclass(frozen=True)
class Deployment:
    """A deployed stack, given by its outputs; `daily_dollars` is the budget of each account."""

    outputs: dict[str, str]
    daily_dollars: float | None = None
    restore_epoch: int = 0

    @cached_property
    def jobs(self) -> JobTable:
        return JobTable(boto3.client("dynamodb"), self.outputs["TableName"])

    @cached_property
    def executions(self) -> StateMachine:
        return StateMachine(boto3.client("stepfunctions"), self.outputs["StateMachineArn"])

    @cached_property
    def create_job(self) -> CreateJob:
        s3 = boto3.client("s3", config=Config(signature_version="s3v4"))
        bucket = Bucket(s3, self.outputs["BucketName"], limit=0)
        policies = PublicUrlPolicy(local_mode=False), InputUrlPolicy(local_mode=False)
        store = ConfigStore(lambda: s3, self.outputs["BucketName"])
        catalogs = PublishedCatalogs(store, time.monotonic)
        epoch = Epoch(self.outputs["TableName"], self.restore_epoch)
        job_builder = JobBuilder(self.jobs, bucket, catalogs, time.time, *policies, epoch)
        limits = AccountLimits(catalogs, Limit(daily_dollars=self.daily_dollars))
        return CreateJob(job_builder, self.jobs, self.executions, time.time, limits)

    def find(self, job_id: str) -> Job:
        """Find a job of any account.

        It scans the keys of `by_provider`, which lacks deleted jobs, then the whole table.
        """
        pages = boto3.client("dynamodb").get_paginator("scan")
        search: dict[str, Any] = {
            "TableName": self.outputs["TableName"],
            "FilterExpression": "sk = :job AND contains(pk, :id)",
            "ExpressionAttributeValues": {":job": {"S": "job"}, ":id": {"S": f"#{job_id}"}},
            "ProjectionExpression": "pk",
        }
        searches: tuple[dict[str, Any], ...] = ({**search, "IndexName": BY_PROVIDER}, search)
        for each in searches:
            for page in pages.paginate(**each):
                for row in page["Items"]:
                    _, account, found = row["pk"]["S"].split("#", 2)
                    if found == job_id and (job := self.jobs.get(account, job_id)):
                        return job
        raise NotFound(f"job {job_id} not found")

    def last_poll(self, job: Job) -> float | None:
        """Return the time of the latest poll of the job's newest execution, if it has polled."""
        states = boto3.client("stepfunctions")
        try:
            latest = states.get_execution_history(
                executionArn=execution_arn(self.outputs["StateMachineArn"], job),
                reverseOrder=True,
                maxResults=EVENTS,
                includeExecutionData=False,
            )["events"]
        except states.exceptions.ExecutionDoesNotExist:
            return None
        for event in latest:
            if event.get("stateEnteredEventDetails", {}).get("name") == POLL_STATE:
                return event["timestamp"].timestamp()
        return None

    def unindexed(self) -> Iterator[tuple[str, str]]:
        """Return account and id of jobs without `provider_pk`. It scans the whole table."""
        pages = boto3.client("dynamodb").get_paginator("scan")
        search: dict[str, Any] = {
            "TableName": self.outputs["TableName"],
            "FilterExpression": "sk = :job AND attribute_exists(list_pk)"
            " AND attribute_not_exists(provider_pk)",
            "ExpressionAttributeValues": {":job": {"S": "job"}},
            "ProjectionExpression": "pk",
        }
        for page in pages.paginate(**search):
            for row in page["Items"]:
                _, account, job_id = row["pk"]["S"].split("#", 2)
                yield account, job_id


def stuck(deployment: Deployment, _: str) -> Iterator[str]:
    """List the jobs that the sweeper should have repaired by now, and the dead letters."""
    now = time.time()
    for job in deployment.jobs.due(now + DEAD_LETTER_SECONDS, MAX_JOBS):
        is_overdue = (job.next_check_at or now) <= now - OVERDUE_SECONDS
        if is_overdue or job.is_dead_letter:
            yield _line(job, now)


def _line(job: Job, now: float) -> str:
    why = [f"{len(job.outbox)} event(s) not published"] if job.outbox else []
    why += [f"dead letter: {_handle(job)}"] if job.is_dead_letter else []
    why += [job.warnings[-1]] if job.warnings else []
    why += [f"waits: {_reason(job.waiting.error, job.waiting.detail)}"] if job.waiting else []
    age = f"{now - job.created_at:.0f} s old, unchanged for {now - job.updated_at:.0f} s"
    return f"{job.id}  {job.account}  {job.provider}  {job.stage.value}  {age}  {'; '.join(why)}"


def show(deployment: Deployment, job_id: str) -> Iterator[str]:
    """Print the history of a job."""
    job = deployment.find(job_id)
    yield f"{job.id} of {job.account}: {job.status.value}, {job.stage.value}"
    if job.config_version is not None:
        yield f"  version {job.config_version} of the configuration"
    yield f"  model {job.model or job.request.model}, price {_dollars(job.cost)}"
    for moment, step in sorted(_timeline(job)):
        yield f"  {time.strftime('%Y-%m-%d %H:%M:%S', time.gmtime(moment))}  {step}"
    yield from _waiting(job)
    yield from _at_provider(job, deployment.last_poll(job))
    if job.upstream_cancelled:
        yield f"  cancelled at its provider: {job.upstream_cancelled.value}"
    yield from (f"  warning: {warning}" for warning in job.warnings)
    yield from _result_lines(job)
    yield from (f"  not published yet: {event['id']}" for event in job.outbox)
    running = deployment.executions.is_running(job)
    state = {True: "is running", False: "has ended", None: "was never started"}[running]
    yield f"  execution {job.execution_name} {state}"


def _at_provider(job: Job, last_poll: float | None) -> Iterator[str]:
    """Print the provider's own names of the model and the job, and what is known of its state."""
    handle = f", {_handle(job)}" if job.operation else ""
    yield f"  at {job.provider}: model {job.upstream_model}{handle}"
    if last_poll:
        yield f"  last poll {_time(last_poll)}, progress {job.progress} %"
    if job.failing_since and not job.is_finished:
        yield f"  polls fail since {_time(job.failing_since)}"
    if job.is_finished:
        yield f"  cost {_dollars(spend_of(job))}"
    if job.request_id:
        yield f"  request id {job.request_id}"


def _time(moment: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(moment))


def _result_lines(job: Job) -> Iterator[str]:
    """Print where the result of a job without artifacts is."""
    yield from (f"  archived: {artifact.key}" for artifact in job.archived_artifacts)
    if job.is_dead_letter:
        until = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(job.track_until or 0))
        yield f"  dead letter: the result is fetched again until {until}"
    if job.error and job.operation:
        yield from (f"  output: {output.url}" for output in job.outputs)


def _handle(job: Job) -> str:
    return ", ".join(f"{name} {value}" for name, value in (job.operation or {}).items())


def _dollars(amount: float | None) -> str:
    return "unknown" if amount is None else f"${amount:.2f}"


def _ending(job: Job) -> str:
    detail = job.outcome.detail if job.outcome else None
    return _reason(job.error, detail) if job.error else job.status.value


def _reason(error: JobError, detail: str | None) -> str:
    """Return an error with the provider's own code and text, which clients do not read."""
    code = f"{error.code} ({error.upstream_code})" if error.upstream_code else error.code
    return f"{code}: {error.message}" + (f" [{detail}]" if detail else "")


def _waiting(job: Job) -> Iterator[str]:
    if job.waiting:
        since = time.strftime("%H:%M:%S", time.gmtime(job.waiting.since))
        reason = _reason(job.waiting.error, job.waiting.detail)
        yield f"  waits for {job.provider} since {since}, {job.waiting.tries} tries: {reason}"
    if job.pause:
        until = job.pause.until
        end = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(until)) if until else "the operator"
        yield f"  paused ({job.pause.reason.value}) until {end}: {job.pause.detail}"


def _timeline(job: Job) -> Iterator[tuple[float, str]]:
    yield job.created_at, f"created by the {job.dialect} dialect for {job.request.model}"
    for attempt in job.attempts:
        reason = _reason(attempt.error, attempt.detail)
        yield attempt.ended_at, f"failed over from {attempt.provider}: {reason}"
    marks = {
        f"accepted by {job.provider}": job.submitted_at,
        "begun by the provider": job.started_at,
        "completed at the provider": job.generated_at,
        "cancel requested": job.cancel_requested_at,
        "submission unconfirmed": job.submission_unconfirmed_since,
        "deleted": job.deleted_at,
        f"ended: {_ending(job)}": job.finished_at,
    }
    yield from ((moment, step) for step, moment in marks.items() if moment)


def retry(deployment: Deployment, job_id: str) -> Iterator[str]:
    """Start another execution of an open job; create a failed job again."""
    job = deployment.find(job_id)
    if not job.is_finished:
        job = deployment.jobs.change(
            job.account, job.id, lambda current: current.restarted(time.time())
        )
        deployment.executions.start(job)
        yield f"started {job.execution_name}"
        return
    if job.deleted_at or job.error is None:
        yield f"{job.id} is {job.status.value}; only a failed job can be retried"
        return
    request = CreateRequest(job.original_request, preferences=job.preferences, webhook=job.webhook)
    call = IdempotencyInfo("retry", request_id=job.request_id)
    again = deployment.create_job.run(job.account, job.dialect, request, call).job
    yield f"created {again.id}; the provider bills it again"


def cancel(deployment: Deployment, job_id: str) -> Iterator[str]:
    job = deployment.find(job_id)
    if job.has_outcome:
        yield f"{job.id} has already ended"
        return
    job = deployment.jobs.change(
        job.account,
        job.id,
        lambda current: current if current.has_outcome else current.cancel_requested(time.time()),
    )
    deployment.executions.start(job)
    yield f"cancel requested; execution {job.execution_name} will stop the job"


def reindex(deployment: Deployment, _: str) -> Iterator[str]:
    """Rewrite the jobs that an older release stored without the keys of index `by_provider`."""
    count = 0
    for account, job_id in deployment.unindexed():
        try:
            deployment.jobs.change(
                account, job_id, lambda job: job.model_copy(update={"version": job.version + 1})
            )
        except RushesError as error:
            yield f"{job_id}: {error}"
        else:
            count += 1
    yield f"rewrote {count} jobs"


ACTIONS: dict[str, Callable[[Deployment, str], Iterator[str]]] = {
    "stuck": stuck,
    "show": show,
    "retry": retry,
    "cancel": cancel,
    "reindex": reindex,
}


def main() -> None:
    arguments = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    arguments.add_argument("--stack", required=True, help="the name of the deployed stack")
    arguments.add_argument("action", choices=ACTIONS)
    arguments.add_argument("job", nargs="?", default="", help="for show, retry and cancel")
    args = arguments.parse_args()
    if args.action in ("show", "retry", "cancel") and not args.job:
        arguments.error(f"{args.action} requires a job id")
    try:
        for line in ACTIONS[args.action](deployment_of(args.stack), args.job):
            print(line)
    except (BotoCoreError, ClientError, RushesError) as error:
        sys.exit(str(error))


def deployment_of(stack: str) -> Deployment:
    described = boto3.client("cloudformation").describe_stacks(StackName=stack)["Stacks"][0]
    outputs = {output["OutputKey"]: output["OutputValue"] for output in described["Outputs"]}
    parameters = {
        parameter["ParameterKey"]: parameter["ParameterValue"]
        for parameter in described.get("Parameters", [])
    }
    dollars = float(parameters.get("DailyDollars", 0)) or None
    return Deployment(outputs, dollars, int(parameters.get("RestoreEpoch", 0)))


if __name__ == "__main__":
    main()
