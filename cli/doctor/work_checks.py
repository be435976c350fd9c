"""Checks of the work in progress: sweeper, open jobs, deliveries and their endpoints."""

from datetime import UTC, datetime, timedelta
from itertools import islice

from cli.doctor.answer import Answer, Check, all_hold, failed, listed, passed
from cli.doctor.deployment import Deployment
from rushes.aws.dynamodb.webhooks import DeliveryTable, EndpointTable

SCHEDULES = ("SweepFunctionEveryMinute", "SweepFunctionDueDeliveries")
"""Logical ids that SAM gives the rules."""
SWEEP_MINUTES = 15
OVERDUE_SECONDS = 120.0
"""The sweeper runs every minute: what is due for longer needs an operator."""
MAX_FOUND = 1000
DAY = 24 * 3600.0


def schedule(deployment: Deployment) -> Answer:
    events = deployment.client("events")
    states = {
        name: events.describe_rule(Name=deployment.physical(name))["State"] for name in SCHEDULES
    }
    problems = [f"rule {name} is {state}" for name, state in states.items() if state != "ENABLED"]
    return all_hold(problems, "the sweeper runs every minute", "enable the rule in EventBridge")


def sweeper(deployment: Deployment) -> Answer:
    runs = _sweeps(deployment, "Invocations")
    if not runs:
        return failed(
            f"the sweeper has not run in the last {SWEEP_MINUTES} minutes",
            "see stack.status and the function sweep in the Lambda console",
        )
    if errors := _sweeps(deployment, "Errors"):
        return failed(f"{errors} of {runs} sweeps failed", "see the log of the function sweep")
    return passed(f"{runs} sweeps in {SWEEP_MINUTES} minutes, none failed")


def stuck_jobs(deployment: Deployment) -> Answer:
    due = deployment.target.jobs.due(deployment.now() - OVERDUE_SECONDS, MAX_FOUND)
    stuck = [job.id for job in islice(due, MAX_FOUND)]
    if stuck:
        return failed(
            f"{len(stuck)} jobs should have been repaired: {listed(stuck)}",
            "`rushes job stuck`, then `rushes job show JOB`",
        )
    return passed("no job waits for the sweeper")


def deliveries(deployment: Deployment) -> Answer:
    """Webhook deliveries that the sweeper should have queued."""
    table = DeliveryTable(deployment.client("dynamodb"), deployment.target.table)
    due = table.due(deployment.now() - OVERDUE_SECONDS, MAX_FOUND)
    late = [delivery.id for delivery in islice(due, MAX_FOUND)]
    if late:
        return failed(
            f"{len(late)} deliveries are overdue: {listed(late)}",
            "see queues.mappings and the log of deliver",
        )
    return passed("no delivery is overdue")


def endpoints(deployment: Deployment) -> Answer:
    """Endpoints of the accounts with unfinished deliveries: failing ones always have some."""
    client, table = deployment.client("dynamodb"), deployment.target.table
    waiting = DeliveryTable(client, table).due(deployment.now() + DAY, MAX_FOUND)
    accounts = sorted({delivery.account for delivery in islice(waiting, MAX_FOUND)})
    problems = [
        f"{endpoint.id} of {account} fails since {_time(endpoint.failing_since)}"
        for account in accounts
        for endpoint in EndpointTable(client, table).all(account)
        if endpoint.is_enabled and endpoint.failing_since is not None
    ]
    fix = "ask the subscriber; GET /v1/webhook_endpoints/ID/attempts has the responses"
    return all_hold(problems, f"no endpoint fails ({len(accounts)} accounts wait)", fix)


def executions(deployment: Deployment) -> Answer:
    """Executions that ended without their job; the sweeper has started others."""
    machine = deployment.outputs["StateMachineArn"]
    client = deployment.client("stepfunctions")
    since = datetime.fromtimestamp(deployment.now() - DAY, UTC)
    recent = [
        execution["name"]
        for status in ("FAILED", "TIMED_OUT")
        for execution in client.list_executions(
            stateMachineArn=machine, statusFilter=status, maxResults=100
        )["executions"]
        if execution["stopDate"] >= since
    ]
    if recent:
        return failed(
            f"{len(recent)} executions failed within a day: {listed(recent)}",
            "the execution history shows the cause; the jobs have new executions",
        )
    return passed("no execution failed within a day")


def _sweeps(deployment: Deployment, metric: str) -> int:
    now = datetime.fromtimestamp(deployment.now(), UTC)
    found = deployment.client("cloudwatch").get_metric_statistics(
        Namespace="AWS/Lambda",
        MetricName=metric,
        Dimensions=[{"Name": "FunctionName", "Value": deployment.physical("SweepFunction")}],
        StartTime=now - timedelta(minutes=SWEEP_MINUTES),
        EndTime=now,
        Period=60 * SWEEP_MINUTES,
        Statistics=["Sum"],
    )
    return int(sum(point["Sum"] for point in found["Datapoints"]))


def _time(seconds: float | None) -> str:
    return datetime.fromtimestamp(seconds or 0, UTC).strftime("%Y-%m-%d %H:%M UTC")


CHECKS = (
    Check("sweeper.schedule", schedule),
    Check("sweeper.runs", sweeper, not_local="the local stack has no metrics of functions"),
    Check("jobs.stuck", stuck_jobs),
    Check("jobs.executions", executions),
    Check("webhooks.overdue", deliveries),
    Check("webhooks.failing", endpoints),
)
