"""`rushes budget show`, as a user runs it, on a deployment in this process."""

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest
from moto import mock_aws

from cli import budget_commands, budgets
from cli.publication import Publisher
from rushes.aws.dynamodb.accounts import AccountTable
from rushes.aws.dynamodb.api_keys import KeyTable
from rushes.aws.dynamodb.budgets import LimitTable, update_request
from rushes.catalog.limits import Limit
from rushes.jobs.charges import DAY, MONTH, Charge, end_of, period_of
from rushes.ports.accounts import Account
from rushes.ports.api_keys import ApiKey
from rushes.ports.audit import AuditEntry
from tests.unit.cli.test_app import CONFIG, SESSION, Deployment

NOW = time.time()
TODAY, THIS_MONTH = period_of(NOW, DAY), period_of(NOW, MONTH)
KEY_ID = "0123456789abcdef"
LIMITS = f"""
[limits]
daily_dollars = 10
open_jobs = 5
[limits.keys.{KEY_ID}]
monthly_dollars = 100
"""


@pytest.fixture
def deployment(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Deployment]:
    with mock_aws():
        made = Deployment(SESSION, tmp_path, monkeypatch)
        monkeypatch.setattr(budget_commands, "default_limits", lambda _: Limit())
        Publisher(made.target.store, "").push(CONFIG + LIMITS)
        yield made


def charge(deployment: Deployment, *charges: Charge) -> None:
    for each in charges:
        deployment.client("dynamodb").update_item(**update_request("jobs", each))


def use(deployment: Deployment) -> None:
    charge(
        deployment,
        Charge(f"team#{TODAY}", 8.5, 6.0),
        Charge("team#open", 3),
        Charge(f"team#{KEY_ID}#{THIS_MONTH}", 12.25, 12.25),
        Charge("team#2001-01-01", 5.0, 5.0),
        Charge(f"other#{TODAY}", 1.0),
    )


def test_budgets_of_an_account(deployment: Deployment):
    use(deployment)
    found = deployment.json("budget", "show", "--account", "team")
    assert found == [
        {
            "account": "team",
            "key_id": None,
            "limit": "daily_dollars",
            "period": TODAY,
            "used": 8.5,
            "settled": 6.0,
            "reserved": 2.5,
            "maximum": 10.0,
            "resets_at": end_of(TODAY),
        },
        {
            "account": "team",
            "key_id": None,
            "limit": "open_jobs",
            "period": None,
            "used": 3.0,
            "settled": 0.0,
            "reserved": 3.0,
            "maximum": 5,
            "resets_at": None,
        },
        {
            "account": "team",
            "key_id": KEY_ID,
            "limit": "monthly_dollars",
            "period": THIS_MONTH,
            "used": 12.25,
            "settled": 12.25,
            "reserved": 0.0,
            "maximum": 100.0,
            "resets_at": end_of(THIS_MONTH),
        },
    ]


def test_table_for_people(deployment: Deployment):
    use(deployment)
    result = deployment.rushes("budget", "show", "--account", "team")
    assert result.exit_code == 0
    columns, first, second, _ = result.stdout.splitlines()
    assert columns.split() == list(budget_commands.COLUMNS)
    assert first.split() == [
        *("team", "daily_dollars", "$8.50", "$6.00", "$2.50", "$10.00", "(85%)", end_of(TODAY)),
    ]
    assert second.split() == ["team", "open_jobs", "3", "5"]


def register(deployment: Deployment, *accounts: str) -> None:
    table = AccountTable(deployment.client("dynamodb"), "jobs")
    for name in accounts:
        table.create(Account(name, NOW), AuditEntry(NOW, "test", "account.create", name))


def test_all_accounts_of_the_present_periods(deployment: Deployment):
    use(deployment)
    register(deployment, "other", "team")
    KeyTable(deployment.client("dynamodb"), "jobs").add(ApiKey(KEY_ID, "team", "digest", NOW))
    found = deployment.json("budget", "show")
    assert [(each["account"], each["key_id"], each["limit"]) for each in found] == [
        ("other", None, "daily_dollars"),
        ("other", None, "open_jobs"),
        ("team", None, "daily_dollars"),
        ("team", None, "open_jobs"),
        ("team", KEY_ID, "monthly_dollars"),
    ]


def test_unused_limits_of_an_account_are_shown(deployment: Deployment):
    found = deployment.json("budget", "show", "--account", "new")
    assert [(each["limit"], each["used"], each["maximum"]) for each in found] == [
        ("daily_dollars", 0.0, 10.0),
        ("open_jobs", 0.0, 5),
    ]
    assert "no limit is set or in use" in deployment.rushes("budget", "show").stdout


@pytest.mark.parametrize("account", ["Team", "a#b", ""])
def test_name_of_no_account_is_refused(deployment: Deployment, account: str):
    result = deployment.rushes("budget", "show", "--account", account)
    assert (result.exit_code, "account must match" in result.stderr) == (2, True)


def test_template_parameters_are_the_defaults(deployment: Deployment):
    template = {
        "Parameters": {"DailyDollars": {"Type": "Number"}},
        "Resources": {"Queue": {"Type": "AWS::SQS::Queue"}},
    }
    deployment.client("cloudformation").create_stack(
        StackName="rushes",
        TemplateBody=json.dumps(template),
        Parameters=[{"ParameterKey": "DailyDollars", "ParameterValue": "7.5"}],
    )
    assert budgets.default_limits(deployment.target).daily_dollars == 7.5


def test_reader_and_writer_name_the_same_item(deployment: Deployment):
    charge(deployment, Charge("team#open", 2))
    assert LimitTable(deployment.client("dynamodb"), "jobs").find("team#open").total == 2
