"""`rushes status`: what needs an operator, with the commands for it."""

import json

from rushes.aws.dynamodb.budgets import update_request
from rushes.aws.dynamodb.webhooks import EndpointTable
from rushes.jobs.charges import DAY, Charge, period_of
from rushes.jobs.pause import Pause, PauseReason
from rushes.ports.providers import Circuit, ProviderPause, RateLimit
from tests.unit.cli.drill_stack import CONFIG, DrillStack
from tests.unit.webhooks.harness import endpoint


def test_nothing_is_wrong(drill: DrillStack):
    drill.add()
    result = drill.run("rushes status --stack rushes")
    assert (result.exit_code, result.stdout.splitlines()) == (
        0,
        [
            "nothing needs an operator",
            "providers: fal available, spare available",
            "open jobs: team 1",
        ],
    )


def test_each_kind_of_problem_is_found(drill: DrillStack):
    outage = Circuit(open_until=drill.now + 60, accounts=("a", "b"), reason="no route")
    drill.limit("fal", RateLimit(circuits={"*": outage}))
    drill.limit("spare", RateLimit(pause=ProviderPause(reason="upgrade", since=drill.now)))
    for number in range(21):
        drill.add("flood", number)
    pause = Pause(
        reason=PauseReason.RESTARTS,
        detail="12 executions",
        since=drill.now,
        check_at=drill.now,
        needs_operator=True,
    )
    paused = drill.add("team", 30, pause=pause)
    overdue = drill.add("team", 31, updated_at=drill.now - 900)
    endpoints = EndpointTable(drill.client("dynamodb"), drill.target.table)
    endpoints.add(endpoint("we_dead", account="team", failing_since=drill.now - 90))
    drill.client("sqs").send_message(
        QueueUrl=drill.target.outputs["EventDeadLetterQueueUrl"], MessageBody="{}"
    )
    drill.write(f"{CONFIG}[limits]\nopen_jobs = 100\n")
    drill.client("cloudwatch").put_metric_alarm(
        AlarmName="rushes-ApiErrorsAlarm-1",
        AlarmDescription="Clients get 5xx.",
        ComparisonOperator="GreaterThanThreshold",
        EvaluationPeriods=1,
    )
    drill.client("cloudwatch").set_alarm_state(
        AlarmName="rushes-ApiErrorsAlarm-1", StateValue="ALARM", StateReason="many"
    )
    found = drill.json("rushes status --stack rushes", code=1)
    findings = {(one["kind"], one["name"]): one for one in found["findings"]}
    assert set(findings) == {
        ("alarm", "rushes-ApiErrorsAlarm-1"),
        ("provider", "fal"),
        ("provider", "spare"),
        ("job", paused.id),
        ("job", overdue.id),
        ("account", "flood"),
        ("webhook", "we_dead"),
        ("queue", "EventDeadLetterQueue"),
    }
    assert findings["provider", "fal"]["problem"].startswith("circuit_open: no route; ")
    assert findings["provider", "spare"]["commands"] == [
        "rushes provider resume spare --stack rushes"
    ]
    assert findings["job", overdue.id]["commands"] == [
        f"rushes job show {overdue.id} --stack rushes"
    ]
    assert "21 of 23 open jobs" in findings["account", "flood"]["problem"]
    assert found["open_jobs"] == {"flood": 21, "team": 2}
    assert all(len(one["commands"]) <= 2 for one in found["findings"])
    text = drill.run("rushes status --stack rushes")
    assert text.exit_code == 1
    assert "    rushes account disable flood --stack rushes" in text.stdout.splitlines()
    assert "    rushes redrive --stack rushes" in text.stdout.splitlines()


def test_budget_that_is_nearly_spent(drill: DrillStack):
    drill.write(f"{CONFIG}[limits.accounts.team]\ndaily_dollars = 10\nopen_jobs = 5\n")
    assert drill.run("rushes config push --stack rushes").exit_code == 0

    for charge in (Charge(f"team#{period_of(drill.now, DAY)}", 8.5, 6.0), Charge("team#open", 3)):
        drill.client("dynamodb").update_item(**update_request(drill.target.table, charge))
    found = drill.json("rushes status --stack rushes", code=1)
    (finding,) = found["findings"]
    assert (finding["kind"], finding["name"]) == ("budget", "team")
    assert finding["problem"] == "daily_dollars: $8.50 of $10.00 used"
    assert json.dumps(finding["commands"]).count("--stack rushes") == 2


def test_what_cannot_be_read_is_a_finding_and_hides_nothing_else(drill: DrillStack):
    outage = Circuit(open_until=drill.now + 60, accounts=("a", "b"), reason="no route")
    drill.limit("fal", RateLimit(circuits={"*": outage}))
    for output in ("EventDeadLetterQueueUrl", "DeliveryDeadLetterQueueUrl"):
        drill.client("sqs").delete_queue(QueueUrl=drill.target.outputs[output])
    found = drill.json("rushes status --stack rushes", code=1)
    kinds = [(one["kind"], one["name"]) for one in found["findings"]]
    assert kinds == [("provider", "fal"), ("check", "queues")]
    queues = found["findings"][1]
    assert queues["problem"].startswith("cannot tell: ")
    assert queues["commands"] == ["rushes doctor --only queue --stack rushes"]


def test_corrupt_configuration_is_reported(drill: DrillStack):
    drill.client("s3").put_object(
        Bucket=drill.target.bucket, Key="config/versions/1.json", Body=b"{"
    )
    found = drill.json("rushes status --stack rushes", code=1)
    assert ("check", "budgets") in {(one["kind"], one["name"]) for one in found["findings"]}
