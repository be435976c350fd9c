"""Commands of operators on jobs, webhooks, queues and functions, with AWS credentials."""

import json
from typing import Any

import pytest

from cli import invocations, local_commands
from rushes.aws.dynamodb.webhooks import DeliveryTable, EndpointTable
from rushes.jobs.status import JobStatus
from rushes.webhooks.delivery import Delivery
from rushes.webhooks.endpoint import Endpoint
from tests.unit.cli.drill_stack import DrillStack
from tests.unit.webhooks.harness import endpoint

ON = "--stack rushes"
ERROR = {"code": "upstream_failed", "message": "it failed"}


def ended(drill: DrillStack, status: JobStatus, number: int = 0, **fields: Any) -> Any:
    """Store a job that has ended."""
    times = {"stage": "finished", "finished_at": drill.now}
    return drill.add(number=number, status=status, **{**times, **fields})


def test_jobs_of_all_accounts_are_listed_newest_first(drill: DrillStack):
    first, second = drill.add("team", 1), drill.add("flood", 2)
    tagged = drill.add("team", 3, labels={"tags": {"team": "ads"}})
    rows = drill.json(f"rushes job list {ON}")
    assert [row["id"] for row in rows] == [tagged.id, second.id, first.id]
    assert drill.json(f"rushes job list --account flood {ON}")[0]["id"] == second.id
    (found,) = drill.json(f"rushes job list --tag team=ads {ON}")
    assert (found["id"], found["tags"]) == (tagged.id, {"team": "ads"})
    assert [row["id"] for row in drill.json(f"rushes job list --limit 2 {ON}")] == [
        tagged.id,
        second.id,
    ]
    assert drill.run(f"rushes job list --text zeppelin {ON}").stdout == "no job matches\n"
    table = drill.run(f"rushes job list {ON}").stdout
    assert table.splitlines()[0].split()[:3] == ["job", "account", "created"]
    assert "team=ads" in table


@pytest.mark.parametrize(
    ("options", "message", "code"),
    [
        ("--tag team", "--tag must be NAME=VALUE (got 'team')", 2),
        ("--since yesterday", "--since must be a UTC day such as 2026-11-29, a time with", 2),
        ("--until 2026-11-29T08:00", "(got '2026-11-29T08:00')", 2),
        ("--limit 0", "greater than or equal to 1 (got '0')", 2),
        ("--account absent", "account 'absent' not found", 1),
        ("--status done", "Invalid value for '--status'", 2),
    ],
)
def test_other_filters_are_refused(drill: DrillStack, options: str, message: str, code: int):
    result = drill.run(f"rushes job list {options} {ON}")
    text = " ".join(result.stderr.replace("│", " ").split())
    assert (result.exit_code, message in text) == (code, True), text


def test_job_is_found_without_its_account(drill: DrillStack):
    """By its execution; by the accounts if Step Functions has forgotten it."""
    job = drill.add("flood")
    assert drill.json(f"rushes job show {job.id} {ON}")["account"] == "flood"
    forgotten = job.model_copy(update={"id": "job_forgotten"})
    drill.jobs.add(forgotten)
    assert drill.json(f"rushes job show job_forgotten {ON}")["account"] == "flood"
    result = drill.run(f"rushes job show job_none {ON}")
    assert (result.exit_code, result.stderr) == (1, "error: job job_none not found\n")


def test_job_of_another_account_is_not_shown_as_of_the_given_one(drill: DrillStack):
    job = drill.add("flood")
    result = drill.run(f"rushes job show {job.id} --account team {ON}")
    assert (result.exit_code, result.stderr) == (
        1,
        f"error: job {job.id} of account team not found\n",
    )


def test_watch_ends_with_the_job(drill: DrillStack):
    done = ended(drill, JobStatus.COMPLETED)
    result = drill.run(f"rushes job watch {done.id} {ON}")
    assert (result.exit_code, result.stdout) == (0, f"{done.id}: completed finished\n")
    failed = ended(drill, JobStatus.FAILED, 1, error=ERROR)
    found = drill.json(f"rushes job watch {failed.id} {ON}", code=1)
    assert (found["status"], found["note"]) == ("failed", "upstream_failed: it failed")


def test_cancel_and_retry_are_recorded(drill: DrillStack):
    job = drill.add()
    found = drill.json(f"rushes job cancel {job.id} {ON}")
    assert found["execution"] == f"{job.id}-r2"
    assert drill.find(job).cancel_requested_at
    failed = ended(drill, JobStatus.FAILED, 1, error=ERROR, labels={"tags": {"team": "ads"}})
    again = drill.json(f"rushes job retry {failed.id} {ON}")
    assert again["is_new"]
    created = drill.jobs.get("team", again["id"])
    assert created
    assert (created.request.model, created.labels.tags) == ("fal/one", {"team": "ads"})
    assert drill.actions() == ["job.cancel", "job.retry"]


def test_completed_job_is_neither_cancelled_nor_retried(drill: DrillStack):
    done = ended(drill, JobStatus.COMPLETED)
    for verb, message in (("cancel", "has already ended"), ("retry", "is completed; only a")):
        result = drill.run(f"rushes job {verb} {done.id} {ON}")
        assert (result.exit_code, message in result.stderr) == (1, True), result.stderr
    assert drill.actions() == []


def test_stuck_lists_overdue_jobs_and_dead_letters(drill: DrillStack):
    drill.add("team", 1)
    overdue = drill.add("team", 2, updated_at=drill.now - 900)
    letter = ended(
        drill, JobStatus.FAILED, 3, error=ERROR, track_until=drill.now + 9000, operation={"id": "u"}
    )
    rows = {row["job"]: row for row in drill.json(f"rushes job stuck {ON}")}
    assert set(rows) == {overdue.id, letter.id}
    assert rows[letter.id]["why"] == "dead letter: id u"
    assert overdue.id in drill.run(f"rushes stuck {ON}").stdout


class Webhooks:
    def __init__(self, drill: DrillStack) -> None:
        client, table = drill.client("dynamodb"), drill.target.table
        self.endpoints, self.deliveries = EndpointTable(client, table), DeliveryTable(client, table)
        self.add("we_healthy")
        self.add("we_failing", failing_since=drill.now - 60)
        event = {"id": "evt_1", "type": "job.completed", "data": {"id": "job_1"}}
        missed = Delivery.for_endpoint(self.find("we_failing"), event, drill.now - 30)
        self.deliveries.add(missed)

    def add(self, name: str, **fields: Any) -> None:
        self.endpoints.add(endpoint(name, account="team", **fields))

    def find(self, name: str) -> Endpoint:
        found = self.endpoints.get("team", name)
        assert found
        return found


@pytest.fixture
def webhooks(drill: DrillStack) -> Webhooks:
    return Webhooks(drill)


def test_webhook_endpoints_are_listed_and_shown(drill: DrillStack, webhooks: Webhooks):
    del webhooks  # they exist
    found = drill.json(f"rushes webhook list {ON}")
    assert {one["id"]: one["problem"] for one in found} == {
        "we_failing": "failing",
        "we_healthy": None,
    }
    (failing,) = drill.json(f"rushes webhook list --failing --account team {ON}")
    assert failing["account"] == "team"
    shown = drill.run(f"rushes webhook show we_failing --account team {ON}").stdout
    assert "we_failing of team: failing" in shown
    assert "evt_1  job.completed  pending  no attempt" in shown
    assert f"  rushes webhook enable we_failing --account team --resend {ON}" in shown
    shown = drill.json(f"rushes webhook show we_healthy --account team {ON}")
    assert (shown["next_steps"], "secret" in json.dumps(list(shown))) == ([], True)
    assert drill.json(f"rushes webhook attempts we_healthy --account team {ON}") == []


def test_webhook_endpoint_is_disabled_enabled_and_sent_what_it_missed(
    drill: DrillStack, webhooks: Webhooks
):
    drill.json(f"rushes webhook disable we_failing --account team {ON}")
    assert webhooks.find("we_failing").disabled_reason == "operator"
    refused = drill.run(f"rushes webhook resend we_failing --account team {ON}")
    assert (refused.exit_code, "is disabled" in refused.stderr) == (1, True)
    drill.json(f"rushes webhook enable we_failing --account team {ON}")
    assert webhooks.find("we_failing").is_enabled
    since = "--since 2020-01-01T00:00:00Z"
    sent = drill.json(f"rushes webhook resend we_failing --account team {since} {ON}")
    assert sent["resent"] == 1
    one = drill.json(f"rushes webhook resend we_failing --account team --message evt_1 {ON}")
    assert one == {"resent": 1, "since": None}
    assert drill.actions() == [
        *("webhook.disable", "webhook.resend", "webhook.enable"),
        *("webhook.resend", "webhook.resend"),
    ]


def test_webhook_test_waits_for_its_attempt(drill: DrillStack, webhooks: Webhooks):
    found = drill.json(f"rushes webhook test we_healthy --account team {ON}", code=1)
    assert (found["accepted"], found["answer"]) == (False, "not attempted yet")
    page = webhooks.deliveries.page("team", "we_healthy", 10)
    assert [delivery.message_id for delivery in page.deliveries] == [found["message_id"]]


@pytest.mark.parametrize(
    ("line", "message", "code"),
    [
        ("show we_none --account team", "account team has no endpoint we_none", 1),
        ("enable we_healthy --account flood", "account flood has no endpoint we_healthy", 1),
        ("show we_healthy", "Missing option '--account'", 2),
        (
            "resend we_healthy --account team --message m --since 2026-01-01T00:00:00Z",
            "give either --message or --since",
            2,
        ),
    ],
)
def test_webhook_of_another_account_is_not_found(
    drill: DrillStack, webhooks: Webhooks, line: str, message: str, code: int
):
    del webhooks  # they exist
    result = drill.run(f"rushes webhook {line} {ON}")
    assert (result.exit_code, message in result.stderr) == (code, True), result.stderr


def test_redrive_moves_messages_with_their_groups(drill: DrillStack):
    sqs, outputs = drill.client("sqs"), drill.target.outputs
    sqs.send_message(QueueUrl=outputs["EventDeadLetterQueueUrl"], MessageBody="one")
    group = {"MessageGroupId": "g", "MessageDeduplicationId": "d"}
    sqs.send_message(QueueUrl=outputs["DeliveryDeadLetterQueueUrl"], MessageBody="two", **group)
    found = drill.json(f"rushes redrive {ON}")
    assert [one["messages"] for one in found] == [1, 1]
    moved = sqs.receive_message(
        QueueUrl=outputs["DeliveryQueueUrl"], MessageSystemAttributeNames=["MessageGroupId"]
    )["Messages"][0]
    assert (moved["Body"], moved["Attributes"]["MessageGroupId"]) == ("two", "g")
    assert [one["messages"] for one in drill.json(f"rushes redrive {ON}")] == [0, 0]


def test_reindex_and_reencrypt_of_a_new_stack_change_nothing(drill: DrillStack):
    drill.add()
    assert drill.json(f"rushes reindex {ON}") == {"rewritten": 0, "failures": [], "accounts": 2}
    result = drill.run(f"rushes reindex --account older {ON}")
    assert result.stdout == "rewrote 0 jobs of 3 account(s)\n"


def test_invoke_refuses_other_events(drill: DrillStack):
    result = drill.run(f"rushes invoke submit/last {ON}")
    assert (result.exit_code, "unknown event 'submit/last'" in result.stderr) == (2, True)
    assert "submit/first" in invocations.events()


class Make:
    """Runs in place of make."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
        command = ["bash", "-c", script, "make"]
        monkeypatch.setattr(local_commands, "_make", lambda *names: [*command, *names])


def test_up_prints_where_the_stack_is(drill: DrillStack, monkeypatch: pytest.MonkeyPatch):
    Make(monkeypatch, 'echo "starting $@"; echo "ready http://127.0.0.1:8787"')
    found = drill.json("rushes up")
    assert found["url"] == "http://127.0.0.1:8787"
    assert found["env_file"].endswith(".local/stack.env")


@pytest.mark.parametrize("command", ["up", "demo"])
def test_local_stack_that_fails(drill: DrillStack, monkeypatch: pytest.MonkeyPatch, command: str):
    Make(monkeypatch, "echo broken; exit 3")
    result = drill.run(f"rushes {command} --json")
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith("error: the local stack failed")


def test_demo_reports_its_file(drill: DrillStack, monkeypatch: pytest.MonkeyPatch):
    Make(monkeypatch, "echo a video")
    found = drill.json("rushes demo")
    assert found["file"].endswith(".local/demo.mp4")
