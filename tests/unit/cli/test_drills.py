"""docs/drills.md: each symptom is found by one command and settled by at most two."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import pytest
from typer.testing import Result

from cli import provider_commands
from local.packaging import ROOT
from rushes.aws.dynamodb.accounts import AccountTable
from rushes.aws.dynamodb.webhooks import DeliveryTable, EndpointTable
from rushes.jobs.pause import Pause, PauseReason
from rushes.ports.provider_checks import KeyCheck
from rushes.ports.providers import Circuit, RateLimit
from rushes.webhooks.delivery import Delivery
from tests.unit.cli.drill_stack import CONFIG, DrillStack
from tests.unit.webhooks.harness import endpoint

TEXT = (ROOT / "docs/drills.md").read_text("utf-8")
SECTION = re.compile(r"^## ([^\n]+)\n(.*?)(?=^## |\Z)", re.MULTILINE | re.DOTALL)
BLOCK = re.compile(r"```bash\n(.*?)```", re.DOTALL)
SECTIONS = {title: BLOCK.findall(body) for title, body in SECTION.findall(TEXT)}
NAMES = ("JOB", "KEY", "ENDPOINT")


@dataclass
class Drill:
    """`shows` is in the output of the first command; `check` runs after each of the others."""

    names: Mapping[str, str]
    shows: str
    check: Callable[[int, Result], None]


def provider_down(stack: DrillStack) -> Drill:
    circuit = Circuit(open_until=stack.now + 60, accounts=("a", "b"), reason="connection refused")
    stack.limit("fal", RateLimit(circuits={"*": circuit}))
    stack.add()

    def check(number: int, _: Result) -> None:
        is_paused = stack.limits.get("fal").pause is not None
        assert is_paused is (number == 0)

    return Drill({}, "provider fal: circuit_open: connection refused; 1 job(s) wait", check)


def provider_key_wrong(stack: DrillStack) -> Drill:
    circuit = Circuit(open_until=stack.now + 60, accounts=("team",), reason="HTTP 401: bad key")
    stack.limit("fal", RateLimit(circuits={"one": circuit}))
    (stack.folder / "key.txt").write_text("fal-key-that-is-valid\n")

    def check(number: int, result: Result) -> None:
        secret = stack.client("secretsmanager").get_secret_value(SecretId="rushes/providers/fal")
        assert "fal-key-that-is-valid" in secret["SecretString"]
        assert number == 0 or "key accepted" in result.stdout

    return Drill({}, "provider fal: circuit_open: HTTP 401: bad key", check)


def key_leaked(stack: DrillStack) -> Drill:
    created = stack.json("rushes key create --account team --name website --stack rushes")

    def check(number: int, result: Result) -> None:
        shown = stack.json(f"rushes key show {created['id']} --stack rushes")
        assert shown["status"] == "revoked"
        assert number == 0 or re.fullmatch(r"rk_[0-9a-f]{16}_\S+\n", result.stdout)

    return Drill({"KEY": created["id"]}, "team", check)


def one_customer_floods(stack: DrillStack) -> Drill:
    for number in range(30):
        stack.add("flood", number)
    stack.add("team", 40)

    def check(number: int, _: Result) -> None:
        account = AccountTable(stack.client("dynamodb"), stack.target.table).get("flood")
        assert account
        assert (account.disabled_at is not None) is (number == 0)

    return Drill({}, "account flood: has 30 of 31 open jobs", check)


def bill_too_high(stack: DrillStack) -> Drill:
    for number, account in enumerate(("flood", "flood", "team")):
        done = {"status": "completed", "stage": "finished", "finished_at": stack.now}
        stack.add(account, number, cost=9.0, generated_at=stack.now, **done)
    stack.write(f"{CONFIG}[limits.accounts.flood]\ndaily_dollars = 5\n")

    def check(number: int, result: Result) -> None:
        assert ("published version 2" if number == 0 else "$5.00") in result.stdout

    return Drill({}, "flood", check)


def job_waits(stack: DrillStack) -> Drill:
    job = stack.add(updated_at=stack.now - 900)
    stack.moto.set_execution_status(job.execution_name, "FAILED")

    def check(_: int, result: Result) -> None:
        assert f"started {job.id}-r2" in result.stdout
        assert stack.target.executions.is_running(stack.find(job)) is not None

    return Drill({"JOB": job.id}, f"  rushes job retry {job.id} --stack rushes", check)


def job_paused(stack: DrillStack) -> Drill:
    pause = Pause(
        reason=PauseReason.RESTARTS,
        detail="12 executions in a row ended",
        since=stack.now,
        check_at=stack.now,
        needs_operator=True,
    )
    jobs = [stack.add("team", number, pause=pause) for number in range(2)]

    def check(_: int, result: Result) -> None:
        assert all(f"resumed {job.id}" in result.stdout for job in jobs)
        assert [stack.find(job).pause for job in jobs] == [None, None]

    return Drill({}, "12 executions in a row ended", check)


def webhook_endpoint_dead(stack: DrillStack) -> Drill:
    client, table = stack.client("dynamodb"), stack.target.table
    since = stack.now - 6 * 24 * 3600
    disabled = endpoint("we_dead", account="team", failing_since=since, created_at=since)
    disabled = disabled.disabled(stack.now, "failing")
    EndpointTable(client, table).add(disabled)
    event = {"id": "evt_1", "type": "job.completed", "data": {"id": "job_1", "account": "team"}}
    missed = Delivery.for_endpoint(disabled, event, stack.now - 3600)
    DeliveryTable(client, table).add(missed)

    def check(number: int, result: Result) -> None:
        found = EndpointTable(client, table).get("team", "we_dead")
        assert found
        assert found.is_enabled
        assert ("1 message(s) are sent again" if number == 0 else "evt_1") in result.stdout
        queue = stack.target.outputs["DeliveryQueueUrl"]
        names = ["ApproximateNumberOfMessages"]
        attributes = stack.client("sqs").get_queue_attributes(QueueUrl=queue, AttributeNames=names)
        assert attributes["Attributes"][names[0]] == "1"

    return Drill({"ENDPOINT": "we_dead"}, "disabled (failing)", check)


def maintenance(stack: DrillStack) -> Drill:
    stack.add(operation={"id": "up-1"}, submitted_at=stack.now)

    def check(number: int, _: Result) -> None:
        pause = stack.limits.get("fal").pause
        assert (pause is not None and pause.until is not None) is (number == 0)

    return Drill({}, "fal: available", check)


DRILLS: Mapping[str, Callable[[DrillStack], Drill]] = {
    "Provider down": provider_down,
    "Provider key wrong": provider_key_wrong,
    "Key of a client leaked": key_leaked,
    "One customer floods": one_customer_floods,
    "Bill too high": bill_too_high,
    "Job waits": job_waits,
    "Job paused": job_paused,
    "Webhook endpoint dead": webhook_endpoint_dead,
    "Maintenance of a provider": maintenance,
}


def lines(block: str, names: Mapping[str, str]) -> list[str]:
    """Return the commands of a block with the names of the drill."""
    pattern = re.compile(rf"\b({'|'.join(NAMES)})\b")
    return [pattern.sub(lambda found: names[found[1]], line) for line in block.splitlines()]


def test_every_section_is_a_drill():
    assert list(SECTIONS) == list(DRILLS)


@pytest.mark.parametrize("title", DRILLS)
def test_drill(title: str, drill: DrillStack, monkeypatch: pytest.MonkeyPatch):
    accepted = KeyCheck("accepted", "HTTP 404")
    monkeypatch.setattr(provider_commands, "check_key", lambda *_: accepted)
    made = DRILLS[title](drill)
    before = len(drill.actions())
    diagnosis, settlement = SECTIONS[title]
    (command,) = lines(diagnosis, made.names)
    result = drill.run(command)
    assert result.exit_code in (0, 1), result.output
    assert made.shows in result.stdout
    commands = lines(settlement, made.names)
    assert 1 <= len(commands) <= 2
    if "rushes status" in command:
        assert commands[0] in result.stdout or commands[0].split(" --")[0] in result.stdout
    for number, each in enumerate(commands):
        result = drill.run(each)
        assert result.exit_code == 0, result.output + result.stderr
        made.check(number, result)
    assert len(drill.actions()) > before, "no entry in the audit log"
