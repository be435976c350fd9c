"""`rushes doctor` on a healthy account, and with one thing broken."""

import json
from collections.abc import Callable
from datetime import timedelta

import httpx
import pytest

from cli.doctor.answer import Answer, Status
from cli.doctor.run import CHECKS, run
from rushes.aws.dynamodb.items import BY_PROVIDER
from rushes.catalog.models import built_in_catalog
from rushes.catalog.source import BUILT_IN, CatalogVersion
from tests.unit.cli.doctor.healthy_account import HERE, NOW, Account

Break = Callable[[Account], object]
NEVER_KNOWN = {"functions.boto3"}


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch) -> Account:
    healthy = Account()
    monkeypatch.setattr(httpx, "get", lambda *_, **__: SimpleReply(healthy.layer()))
    return healthy


class SimpleReply:
    def __init__(self, content: bytes) -> None:
        self.content = content


def examined(account: Account, only: str = "") -> dict[str, Answer]:
    checks = [check for check in CHECKS if only in check.name]
    return {check.name: answer for check, answer in run(checks, account.deployment())}


def test_every_check_of_a_healthy_account_passes(account: Account):
    answers = examined(account)
    others = {name: answer for name, answer in answers.items() if answer.status is not Status.PASS}
    assert others.keys() == NEVER_KNOWN, others
    assert len(answers) >= 45
    assert all(answer.reason for answer in answers.values())


def unconfirmed(account: Account) -> None:
    account.subscriptions = [{"SubscriptionArn": "PendingConfirmation"}]


def answers_all(status: int) -> Callable[[httpx.Request], httpx.Response]:
    return lambda _: httpx.Response(status)


def unreachable(_: httpx.Request) -> httpx.Response:
    raise httpx.ConnectError("refused")


def minutes_late(request: httpx.Request) -> httpx.Response:
    answer = Account().answer_http(request)
    answer.headers["date"] = (NOW - timedelta(minutes=9)).strftime("%a, %d %b %Y %H:%M:%S GMT")
    return answer


def with_index(account: Account, name: str, status: str) -> None:
    for index in account.table["GlobalSecondaryIndexes"]:
        if index["IndexName"] == name:
            index["IndexStatus"] = status


def dead_letter(account: Account, queue: str) -> None:
    account.queues[queue]["ApproximateNumberOfMessages"] = "2"


def failed_execution(account: Account) -> None:
    times = {"startDate": NOW, "stopDate": NOW}
    account.executions = [{"name": "job_1", "status": "FAILED", **times}]


def other_layer(account: Account) -> None:
    layer = {"Arn": f"arn:aws:lambda:{HERE}:layer:rushes-rushes:6"}
    account.functions["PollFunction"]["Layers"][1] = layer


BROKEN: dict[str, tuple[str, Break]] = {
    "rolled back": (
        "stack.status",
        lambda account: account.stack.update(StackStatus="UPDATE_ROLLBACK_COMPLETE"),
    ),
    "local mode": (
        "stack.local_mode",
        lambda account: account.functions["PollFunction"]["Environment"]["Variables"].update(
            LOCAL_MODE="true"
        ),
    ),
    "other table": (
        "stack.environment",
        lambda account: account.functions["FinishFunction"]["Environment"]["Variables"].update(
            TABLE_NAME="old"
        ),
    ),
    "clock": ("stack.clock", lambda account: setattr(account, "http", minutes_late)),
    "failed update": (
        "functions.state",
        lambda account: account.functions["ApiFunction"].update(LastUpdateStatus="Failed"),
    ),
    "runtime": (
        "functions.runtime",
        lambda account: account.functions["SweepFunction"].update(Runtime="python3.11"),
    ),
    "architecture": (
        "functions.architecture",
        lambda account: account.parameters.update(Architecture="x86_64"),
    ),
    "memory": (
        "functions.memory",
        lambda account: account.functions["SubmitFunction"].update(MemorySize=256),
    ),
    "mixed layers": ("functions.layers", other_layer),
    "no bytecode": ("functions.bytecode", lambda account: account.archive.clear()),
    "submit reads no key": (
        "permissions.submit",
        lambda account: account.denied.add(("SubmitFunction", "secretsmanager:GetSecretValue")),
    ),
    "api scans": (
        "permissions.api",
        lambda account: account.granted.add(("ApiFunction", "dynamodb:Scan")),
    ),
    "notify reads provider keys": (
        "permissions.notify",
        lambda account: account.granted.add(("NotifyFunction", "secretsmanager:GetSecretValue")),
    ),
    "state machine": (
        "permissions.state_machine",
        lambda account: account.denied.add(("machine", "lambda:InvokeFunction")),
    ),
    "table": ("table.status", lambda account: account.table.update(TableStatus="ARCHIVED")),
    "index is built": (
        "table.indexes",
        lambda account: with_index(account, BY_PROVIDER, "CREATING"),
    ),
    "index is missing": (
        "table.indexes",
        lambda account: account.table["GlobalSecondaryIndexes"].pop(),
    ),
    "no TTL": ("table.ttl", lambda account: account.ttl.update(TimeToLiveStatus="DISABLED")),
    "wrong TTL": ("table.ttl", lambda account: account.ttl.update(AttributeName="ttl")),
    "unprotected": (
        "table.deletion_protection",
        lambda account: account.table.update(DeletionProtectionEnabled=False),
    ),
    "no backup": (
        "table.point_in_time_recovery",
        lambda account: account.recovery.update(PointInTimeRecoveryStatus="DISABLED"),
    ),
    "old backup": (
        "table.restorable",
        lambda account: account.recovery.update(LatestRestorableDateTime=NOW - timedelta(hours=2)),
    ),
    "lifecycle": ("bucket.lifecycle", lambda account: account.lifecycle.pop(0)),
    "no lifecycle": (
        "bucket.lifecycle",
        lambda account: account.errors.update(
            GetBucketLifecycleConfiguration="NoSuchLifecycleConfiguration"
        ),
    ),
    "encryption": ("bucket.encryption", lambda account: account.encryption.clear()),
    "public": (
        "bucket.public_access",
        lambda account: account.public_access.update(BlockPublicPolicy=False),
    ),
    "no notification": ("bucket.notifications", lambda account: account.notification.clear()),
    "no redrive": (
        "queues.redrive",
        lambda account: account.queues["DeliveryQueue"].pop("RedrivePolicy"),
    ),
    "dead events": (
        "queues.dead_letters",
        lambda account: dead_letter(account, "EventDeadLetterQueue"),
    ),
    "dead deliveries": (
        "queues.dead_letters",
        lambda account: dead_letter(account, "DeliveryDeadLetterQueue"),
    ),
    "mapping": ("queues.mappings", lambda account: setattr(account, "mapping_state", "Disabled")),
    "rule": ("queues.rule", lambda account: account.targets.clear()),
    "schedule": ("sweeper.schedule", lambda account: setattr(account, "rule_state", "DISABLED")),
    "no sweep": ("sweeper.runs", lambda account: account.sums.update(Invocations=0.0)),
    "failed sweeps": ("sweeper.runs", lambda account: account.sums.update(Errors=4.0)),
    "execution": ("jobs.executions", failed_execution),
    "API fails": ("api.document", lambda account: setattr(account, "http", answers_all(500))),
    "API is away": ("api.document", lambda account: setattr(account, "http", unreachable)),
    "API is open": (
        "api.authentication",
        lambda account: setattr(account, "http", answers_all(200)),
    ),
    "no configuration": (
        "providers.configuration",
        lambda account: setattr(
            account, "configuration", CatalogVersion(BUILT_IN, built_in_catalog())
        ),
    ),
    "edited secret": (
        "providers.secrets",
        lambda account: account.secrets.update(sandbox="not JSON"),
    ),
    "no secret": (
        "providers.secrets",
        lambda account: account.errors.update(GetSecretValue="ResourceNotFoundException"),
    ),
    "alarm is deleted": ("alarms.complete", lambda account: account.alarms.popitem()),
    "silent alarm": (
        "alarms.actions",
        lambda account: account.alarms["SweeperAlarm"].update(AlarmActions=[]),
    ),
    "switched off": (
        "alarms.actions",
        lambda account: account.alarms["SweeperAlarm"].update(ActionsEnabled=False),
    ),
    "raised": (
        "alarms.states",
        lambda account: account.alarms["SweeperAlarm"].update(StateValue="ALARM"),
    ),
    "unconfirmed": ("alarms.subscription", unconfirmed),
    "no subscription": ("alarms.subscription", lambda account: account.subscriptions.clear()),
    "no dashboard": ("alarms.dashboard", lambda account: account.resources.pop("Dashboard")),
    "new account": ("quotas.concurrency", lambda account: setattr(account, "concurrency", 10)),
    "too slow": ("quotas.ceiling", lambda account: setattr(account, "concurrency", 20)),
}


@pytest.mark.parametrize("name", BROKEN)
def test_what_is_broken_is_found(account: Account, name: str):
    check, break_it = BROKEN[name]
    break_it(account)
    found = examined(account, check)[check]
    assert found.status is Status.FAIL, found
    assert found.fix


def test_no_other_check_fails(account: Account):
    account.public_access.clear()
    failing = [name for name, found in examined(account).items() if found.status is Status.FAIL]
    assert failing == ["bucket.public_access"]


@pytest.mark.parametrize(
    ("operation", "check"),
    [
        ("DescribeTimeToLive", "table.ttl"),
        ("SimulatePrincipalPolicy", "permissions.collect"),
        ("GetQueueAttributes", "queues.dead_letters"),
        ("DescribeAlarms", "alarms.states"),
        ("GetLayerVersionByArn", "functions.bytecode"),
    ],
)
def test_a_denied_call_is_no_verdict(account: Account, operation: str, check: str):
    account.errors[operation] = "AccessDeniedException"
    found = examined(account, check)[check]
    assert (found.status, operation in found.fix) == (Status.UNKNOWN, True)


def test_stack_of_an_older_release_has_no_verdict_on_what_it_lacks(account: Account):
    del account.resources["EventQueueRule"]
    found = examined(account, "queues.rule")["queues.rule"]
    assert (found.status, "EventQueueRule" in found.reason) == (Status.UNKNOWN, True)


def test_quotas_that_may_not_be_read_are_assumed(account: Account):
    account.errors["ListServiceQuotas"] = "AccessDeniedException"
    assert examined(account, "quotas.ceiling")["quotas.ceiling"].status is Status.PASS


def test_no_reason_has_a_secret(account: Account):
    account.secrets["sandbox"] = '{"api_key": 5, "base_url": "sk-secret-value"}'
    texts = json.dumps([vars(answer) for answer in examined(account).values()])
    assert "sk-secret-value" not in texts
