"""Each command that changes a deployment adds an entry to the audit log."""

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from moto import mock_aws

from cli import app as command
from cli.manual import leaves
from cli.operator_services import account_service, key_service
from rushes.api.accounts.schemas import AccountChanges
from rushes.api.keys.schemas import NewKey
from rushes.aws.dynamodb.audit import AuditTable
from rushes.ports.audit import ACTIONS, AuditEntry, AuditFilter
from tests.unit.cli.test_app import CONFIG, KEY, SESSION, Deployment

ROOT = Path(__file__).parents[3]
READS = {
    *("audit", "doctor", "status", "stuck", "up", "demo"),
    *("account list", "account show", "budget show"),
    *("config check", "config diff", "config history"),
    *("job paused", "job orphans", "job show", "job watch", "job stuck", "job list"),
    *("key list", "key show", "provider list", "provider status", "provider test"),
    *("webhook list", "webhook show", "webhook attempts"),
}
"""They change nothing."""
OTHER = {
    "generate": "a client's own create call",
    "invoke": "a call of a function, which has its own log",
    "reindex": "jobs are written as they are",
    "webhook test": "one message, as the account's own call sends",
}
"""They change no setting and no job; the reason for each."""
CHANGES = {
    "account create": "account.create",
    "account set": "account.update",
    "account disable": "account.disable",
    "account enable": "account.enable",
    "account adopt": "key.register",
    "config push": "config.publish",
    "config rollback": "config.rollback",
    "job resume": "job.resume",
    "job fail": "job.fail",
    "job cancel": "job.cancel",
    "job retry": "job.retry",
    "key create": "key.create",
    "key rename": "key.update",
    "key scopes": "key.update",
    "key set": "key.update",
    "key rotate": "key.rotate",
    "key revoke": "key.revoke",
    "provider set-key": "provider.set_key",
    "provider pause": "provider.pause",
    "provider resume": "provider.resume",
    "redrive": "queues.redrive",
    "reencrypt": "webhooks.reencrypt",
    "webhook resend": "webhook.resend",
    "webhook enable": "webhook.enable",
    "webhook disable": "webhook.disable",
}
RUN = {
    "account set": ["team", "--notes", "x"],
    "account disable": ["team"],
    "account enable": ["team"],
    "account create": ["second"],
    "config push": ["rushes.toml"],
    "config rollback": ["1"],
    "key create": ["--account", "team"],
    "key rename": ["{key}", "x"],
    "key scopes": ["{key}", "read"],
    "key set": ["{key}", "--expires", "9d"],
    "key rotate": ["{key}"],
    "key revoke": ["{key}"],
    "provider set-key": ["other", "-"],
}
"""Arguments of the commands that this test runs; the tests of the others are in their own files."""


def commands() -> set[str]:
    found: Any = typer.main.get_command(command.app)
    hidden_or_reads = ("jobs ", "usage")
    return {name for name, _ in leaves(found) if not name.startswith(hidden_or_reads)}


def literal_actions() -> Iterator[str]:
    """Yield the texts of the form `resource.verb` in the code that adds entries."""
    folders = [ROOT / "cli", ROOT / "layers/rushes/rushes/api"]
    for file in (file for folder in folders for file in folder.rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if not isinstance(node, ast.Constant) or not isinstance(node.value, str):
                continue
            resource, _, verb = node.value.partition(".")
            if verb in ACTIONS.get(resource, ()):
                yield node.value


@pytest.fixture
def deployment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Deployment]:
    with mock_aws():
        made = Deployment(SESSION, tmp_path, monkeypatch)
        made.write(CONFIG)
        yield made


def test_every_command_is_known_to_change_something_or_not():
    assert commands() - READS - set(OTHER) == set(CHANGES) & commands()


def test_every_action_in_the_log_is_one_of_the_documented_ones():
    written = {f"{resource}.{verb}" for resource, verbs in ACTIONS.items() for verb in verbs}
    assert set(CHANGES.values()) | {"job.restart", "provider.test"} == written
    of_webhooks = {action for action in written if action.startswith("webhook.")}
    assert set(literal_actions()) >= written - of_webhooks - {"provider.pause", "provider.resume"}


def prepare(deployment: Deployment, name: str) -> list[str]:
    """Bring the deployment into a state that the command changes; return its arguments."""
    key_id = key_service(deployment.target).create(NewKey(account="team"), "test").key.key_id
    if name == "account enable":
        changes = AccountChanges(disabled=True)
        account_service(deployment.target).update("team", changes, "test")
    if name == "config push":
        deployment.write(f"{CONFIG}# {key_id}\n")
    return [text.format(key=key_id) for text in RUN[name]]


def test_command_adds_its_entry(deployment: Deployment):
    deployment.rushes("config", "push")
    for name in RUN:
        arguments = prepare(deployment, name)
        known = {entry.id for entry in entries_of(deployment)}
        result = deployment.rushes(*name.split(), *arguments, given=KEY)
        assert result.exit_code == 0, (name, result.output)
        added = [entry for entry in entries_of(deployment) if entry.id not in known]
        assert [entry.action for entry in added] == [CHANGES[name]]
        assert KEY not in str(added)


def test_command_changes_nothing_if_the_entry_cannot_be_written(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
):
    def fail(_: object) -> Any:
        raise OSError("no entry")

    deployment.rushes("config", "push")
    for name in RUN:
        arguments = prepare(deployment, name)
        before = state_of(deployment)
        with monkeypatch.context() as patch:
            for module in ("key_registry", "accounts", "audit"):
                patch.setattr(f"rushes.aws.dynamodb.{module}.entry_item", fail)
            with pytest.raises(OSError, match="no entry"):
                deployment.rushes(*name.split(), *arguments, given=KEY)
        assert state_of(deployment) == before, name


def entries_of(deployment: Deployment) -> tuple[AuditEntry, ...]:
    table = AuditTable(deployment.client("dynamodb"), "jobs")
    return table.page(AuditFilter(), 1000).entries


def state_of(deployment: Deployment) -> Any:
    """Return the table, the secrets and the configuration in force."""
    items = deployment.client("dynamodb").scan(TableName="jobs")["Items"]
    secrets = deployment.client("secretsmanager").list_secrets()["SecretList"]
    in_force = deployment.target.store.pointer()
    return items, [secret["Name"] for secret in secrets], in_force and in_force.pointer
