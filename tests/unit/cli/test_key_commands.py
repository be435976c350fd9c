"""`rushes key`, `rushes account` and `rushes audit`, on a deployment in this process."""

import json
import re
import shlex
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from moto import mock_aws

from cli import budgets as cli_budgets
from cli import exceeded_budgets, operator_services
from local.packaging import ROOT
from rushes.api.auth import Authenticator
from rushes.api.key_hashing import KEY, create_api_key
from rushes.aws.dynamodb.api_keys import KeyTable
from rushes.aws.dynamodb.budgets import update_request
from rushes.catalog.limits import Limit
from rushes.errors import ExpiredApiKey, InvalidApiKey
from rushes.jobs.charges import DAY, Charge, period_of
from tests.unit.cli.test_app import CONFIG, SESSION, Deployment

NOW = datetime.now(UTC).timestamp()
TODAY = period_of(NOW, DAY)


@pytest.fixture
def deployment(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Deployment]:
    with mock_aws():
        made = Deployment(SESSION, tmp_path, monkeypatch)
        for module in (cli_budgets, exceeded_budgets, operator_services):
            monkeypatch.setattr(module, "default_limits", lambda _: Limit())
        yield made


def create(deployment: Deployment, *options: str, account: str = "team") -> tuple[str, str]:
    """Return the key and its id."""
    result = deployment.rushes("key", "create", "--account", account, *options)
    assert result.exit_code == 0, result.output
    secret = result.stdout.strip()
    match = KEY.fullmatch(secret)
    assert match
    return secret, match[1]


def authenticate(deployment: Deployment, secret: str) -> Any:
    return Authenticator(KeyTable(deployment.client("dynamodb"), "jobs")).authenticate(secret)


def actions(deployment: Deployment) -> list[str]:
    return [entry["action"] for entry in deployment.json("audit")]


def test_create_prints_the_key_alone(deployment: Deployment):
    secret, key_id = create(
        deployment, "--name", "shop", "--scopes", "read, submit", "--models", "kling/*,fast"
    )
    identity = authenticate(deployment, secret)
    assert (identity.account, identity.name, identity.key_id) == ("team", "shop", key_id)
    assert (identity.scopes, identity.models) == ({"read", "submit"}, {"kling/*", "fast"})


def test_list_shows_the_keys_of_all_accounts_and_no_secret(deployment: Deployment):
    assert "no keys" in deployment.rushes("key", "list").stdout
    secrets = [create(deployment, account=name) for name in ("team", "team", "other")]
    found = deployment.json("key", "list")
    assert [key["account"] for key in found] == ["other", "team", "team"]
    assert {key["id"] for key in found} == {key_id for _, key_id in secrets}
    assert len(deployment.json("key", "list", "--account", "team")) == 2
    table = deployment.rushes("key", "list").stdout
    for secret, key_id in secrets:
        assert key_id in table
        assert secret[20:] not in table + json.dumps(found)


def test_key_is_renamed_limited_and_set_to_expire(deployment: Deployment):
    _, key_id = create(deployment)
    assert deployment.json("key", "rename", key_id, "new name")["name"] == "new name"
    assert deployment.json("key", "scopes", key_id, "read")["scopes"] == ["read"]
    changed = deployment.json("key", "set", key_id, "--models", "a/*", "--expires", "90d")
    assert (changed["models"], changed["name"]) == (["a/*"], "new name")
    days = (datetime.fromisoformat(changed["expires_at"]).timestamp() - NOW) / (24 * 3600)
    assert days == pytest.approx(90, abs=0.1)
    assert deployment.json("key", "set", key_id, "--expires", "never")["expires_at"] is None
    shown = deployment.rushes("key", "show", key_id)
    assert "new name" in shown.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["create", "--account", "Team"], "account is invalid"),
        (["create", "--account", "team", "--scopes", "all"], "scopes.0 must be one of 'submit'"),
        (["create", "--account", "team", "--scopes", ""], "scopes.0 must be one of"),
        (["create", "--account", "team", "--expires", "soon"], "--expires must be a UTC day"),
        (["create", "--account", "team", "--expires", "0d"], "expires_at must be in the future"),
        (["create", "--account", "team", "--models", "a b"], "models.0 is invalid"),
        (["show", "0" * 16], "key 0000000000000000 not found"),
        (["revoke", "x"], "key x not found"),
        (["rename", "0" * 16, "a"], "not found"),
        (["rotate", "0" * 16, "--overlap", "-1"], "overlap_hours must be at least 0"),
    ],
)
def test_absent_keys_end_with_1_and_invalid_values_with_2(
    deployment: Deployment, arguments: list[str], message: str
):
    result = deployment.rushes("key", *arguments)
    assert result.exit_code == (1 if "not found" in message else 2)
    assert message in result.stderr


def test_whole_key_is_not_taken_as_an_argument(deployment: Deployment):
    secret, _ = create(deployment)
    result = deployment.rushes("key", "revoke", secret)
    assert result.exit_code == 2
    assert "give the key's id" in result.stderr
    assert secret not in result.stderr


def test_rotation_prints_the_new_key_and_ends_the_old_one(deployment: Deployment):
    secret, key_id = create(deployment, "--scopes", "read")
    result = deployment.rushes("key", "rotate", key_id, "--overlap", "0")
    assert result.exit_code == 0
    new = result.stdout.strip()
    assert authenticate(deployment, new).scopes == {"read"}
    with pytest.raises(ExpiredApiKey):
        authenticate(deployment, secret)
    again = deployment.rushes("key", "rotate", key_id)
    assert again.exit_code == 1
    assert "was rotated before" in again.stderr


def test_revoked_key_is_refused(deployment: Deployment):
    secret, key_id = create(deployment)
    assert "within 5 seconds" in deployment.rushes("key", "revoke", key_id).stdout
    with pytest.raises(InvalidApiKey):
        authenticate(deployment, secret)
    assert deployment.json("key", "show", key_id)["status"] == "revoked"


def test_accounts_are_created_listed_changed_and_disabled(deployment: Deployment):
    assert "no accounts" in deployment.rushes("account", "list").stdout
    created = deployment.json(
        "account", "create", "team", "--display-name", "The Team", "--contact", "a@b.example"
    )
    assert (created["account"], created["contact"]) == ("team", "a@b.example")
    assert deployment.rushes("account", "create", "team").exit_code == 1
    create(deployment, account="other")
    assert [one["account"] for one in deployment.json("account", "list")] == ["other", "team"]
    assert deployment.json("account", "set", "team", "--notes", "pays late")["notes"] == "pays late"
    assert deployment.json("account", "disable", "team")["disabled_at"]
    assert "disabled" in deployment.rushes("account", "list").stdout
    assert deployment.json("account", "enable", "team")["disabled_at"] is None
    assert deployment.rushes("account", "set", "team").exit_code == 2
    assert deployment.rushes("account", "show", "third").exit_code == 1


def test_account_and_key_show_their_limits(deployment: Deployment):
    _, key_id = create(deployment)
    deployment.write(
        CONFIG
        + f"[limits.accounts.team]\ndaily_dollars = 10\n[limits.keys.{key_id}]\nopen_jobs = 3\n"
    )
    assert deployment.rushes("config", "push").exit_code == 0
    charge = Charge(f"team#{TODAY}", 7.5, 6.0)
    deployment.client("dynamodb").update_item(**update_request("jobs", charge))
    limit = deployment.json("account", "show", "team")["limits"][0]
    assert (limit["limit"], limit["maximum"], limit["used"]) == ("daily_dollars", 10.0, 7.5)
    assert (limit["settled"], limit["reserved"]) == (6.0, 1.5)
    assert "$1.50" in deployment.rushes("account", "show", "team").stdout
    own = deployment.json("key", "show", key_id)["limits"]
    assert [(one["limit"], one["maximum"]) for one in own] == [("open_jobs", 3.0)]


def test_keys_of_older_releases_are_adopted(deployment: Deployment):
    keys = KeyTable(deployment.client("dynamodb"), "jobs")
    for account in ("old", "older"):
        keys.add(create_api_key(account, NOW)[1])
    create(deployment)
    assert [one["account"] for one in deployment.json("account", "list")] == ["team"]
    adopted = deployment.json("account", "adopt")
    assert {key["account"] for key in adopted} == {"old", "older"}
    assert deployment.json("account", "adopt") == []
    names = [one["account"] for one in deployment.json("account", "list")]
    assert names == ["old", "older", "team"]
    assert len(deployment.json("key", "list")) == 3
    assert actions(deployment).count("key.register") == 2


def test_audit_lists_and_filters_the_changes(deployment: Deployment):
    _, key_id = create(deployment, "--name", "shop")
    deployment.rushes("key", "revoke", key_id)
    deployment.rushes("account", "disable", "team")
    entries = deployment.json("audit")
    assert {entry["action"] for entry in entries} == {"key.create", "key.revoke", "account.disable"}
    assert {entry["actor"] for entry in entries} == {"arn:aws:sts::123456789012:user/moto"}
    assert len(deployment.json("audit", "--action", "key.")) == 2
    assert len(deployment.json("audit", "--target", "account:team")) == 1
    assert deployment.json("audit", "--actor", "arn:other") == []
    assert deployment.json("audit", "--since", "2099-01-01T00:00:00Z") == []
    assert len(deployment.json("audit", "--limit", "1")) == 1
    assert "name=shop" in deployment.rushes("audit", "--action", "key.create").stdout


DOCUMENTED = {
    *("./rushes key create", "./rushes key list", "./rushes key show", "./rushes key rename"),
    *("./rushes key scopes", "./rushes key set", "./rushes key rotate", "./rushes key revoke"),
    *("./rushes account create", "./rushes account list", "./rushes account show"),
    *("./rushes account set", "./rushes account disable", "./rushes account enable"),
    *("./rushes account adopt", "./rushes audit"),
}
"""Commands in the code blocks of docs/keys.md."""


def test_commands_of_the_page_work_in_their_order(deployment: Deployment):
    page = (ROOT / "docs/keys.md").read_text("utf-8")
    lines = [
        line
        for block in re.findall(r"```bash\n(.*?)```", page, re.DOTALL)
        for line in block.splitlines()
    ]
    _, key_id = create(deployment, account="team-a")
    run = set()
    for line in lines:
        arguments = shlex.split(line.replace("0123456789abcdef", key_id))
        words = 2 if arguments[1] == "audit" else 3
        run.add(" ".join(arguments[:words]))
        assert deployment.rushes(*arguments[1:]).exit_code == 0, line
    assert run == DOCUMENTED


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("--action", "key.made", "action is invalid: it must be one of account.create"),
        ("--action", "key", "action is invalid"),
        ("--action", ".", "action is invalid"),
        ("--since", "yesterday", "--since must be a UTC day such as 2026-11-29, a time with"),
        ("--since", "2026-01-01T00:00:00", "or 30m, 2h, 7d ago (got '2026-01-01T00:00:00')"),
        ("--actor", "x" * 301, "actor must have at most 300"),
    ],
)
def test_audit_refuses_invalid_filters(
    deployment: Deployment, option: str, value: str, message: str
):
    result = deployment.rushes("audit", option, value)
    assert result.exit_code == 2
    assert message in result.stderr


def test_push_warns_of_a_budget_below_what_is_reserved(deployment: Deployment):
    _, key_id = create(deployment)

    def write(daily: int, monthly: int) -> None:
        own = f"[limits.keys.{key_id}]\nmonthly_dollars = {monthly}\n"
        deployment.write(f"{CONFIG}[limits]\ndaily_dollars = {daily}\n{own}")

    write(10, 50)
    assert "would be" not in deployment.rushes("config", "push").stderr
    month = TODAY[:7]
    for charge in (
        Charge(f"team#{TODAY}", 7.5, 6.0),
        Charge(f"team#{key_id}#{month}", 30.0, 20.0),
    ):
        deployment.client("dynamodb").update_item(**update_request("jobs", charge))
    write(8, 50)
    assert "would be" not in deployment.rushes("config", "push").stderr
    write(5, 25)
    result = deployment.rushes("config", "push")
    assert result.exit_code == 0
    account, key = result.stderr.splitlines()
    assert account.startswith(
        "warning: daily_dollars of account team would be $5.00, below the $7.50 in use"
        " ($1.50 of it reserved by open jobs): its create calls are refused until"
    )
    assert f"monthly_dollars of key {key_id} of account team would be $25.00" in key
    rolled_back = deployment.json("config", "rollback", "1")
    assert rolled_back["exceeded_budgets"] == []
    (exceeded, _) = deployment.json("config", "rollback", "3")["exceeded_budgets"]
    assert (exceeded["account"], exceeded["used"], exceeded["reserved"]) == ("team", 7.5, 1.5)
    assert actions(deployment).count("config.rollback") == 2
    assert actions(deployment).count("config.publish") == 3
