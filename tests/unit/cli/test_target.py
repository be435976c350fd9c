"""The deployment that a command is about."""

from pathlib import Path
from typing import Any

import boto3
import pytest

from cli import target
from cli.errors import CommandError
from cli.target import find_target
from local.up import write_environment

VARIABLES = {
    "RUSHES_BUCKET": "media",
    "RUSHES_TABLE": "jobs",
    "RUSHES_PROVIDER_SECRETS": "rushes/providers",
    "SANDBOX_URL": "http://127.0.0.1:9",
    "AWS_ENDPOINT_URL": "http://127.0.0.1:4566",
    "AWS_ACCESS_KEY_ID": "id",
    "AWS_SECRET_ACCESS_KEY": "a secret 'in quotes'",
    "AWS_DEFAULT_REGION": "us-east-1",
}


@pytest.fixture(autouse=True)
def _no_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RUSHES_STACK", raising=False)


def test_local_stack_is_found_by_its_file(tmp_path: Path):
    file = tmp_path / "stack.env"
    write_environment(file, VARIABLES)
    found = find_target(None, local=True, env_file=file)
    assert (found.bucket, found.table, found.secrets) == ("media", "jobs", "rushes/providers")
    assert (found.endpoint_url, found.is_local) == ("http://127.0.0.1:4566", True)
    assert found.sandbox_url == "http://127.0.0.1:9"
    credentials = found.session.get_credentials()
    assert credentials is not None
    assert credentials.secret_key == VARIABLES["AWS_SECRET_ACCESS_KEY"]


def test_local_stack_that_does_not_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(target, "LOCAL_FILE", tmp_path / "stack.env")
    with pytest.raises(CommandError, match="start the local stack with `make up`"):
        find_target(None, local=True, env_file=None)


def test_local_stack_of_another_release(tmp_path: Path):
    file = tmp_path / "stack.env"
    write_environment(file, {"RUSHES_BUCKET": "media"})
    with pytest.raises(CommandError, match="is not of a local stack of this release"):
        find_target(None, local=True, env_file=file)


@pytest.mark.parametrize(
    ("stack", "local", "message"),
    [(None, False, "which stack"), ("rushes", True, "either --stack or --local")],
)
def test_target_must_be_given_once(stack: str | None, local: bool, message: str):  # noqa: FBT001
    with pytest.raises(CommandError, match=message):
        find_target(stack, local=local, env_file=None)


class Session:
    """A session whose stacks have these outputs."""

    outputs: dict[str, str] = {}  # noqa: RUF012 - replaced, not changed

    def client(self, service: str) -> Any:
        assert service == "cloudformation"
        return self

    def describe_stacks(self, *, StackName: str) -> Any:  # noqa: N803 - boto3's name
        assert StackName == "rushes"
        outputs = [{"OutputKey": k, "OutputValue": v} for k, v in self.outputs.items()]
        return {"Stacks": [{"StackName": "rushes", "Outputs": outputs}]}


@pytest.mark.parametrize("way", ["option", "variable"])
def test_stack_is_found_by_its_outputs(way: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(boto3, "Session", Session)
    monkeypatch.setenv("RUSHES_STACK", "rushes" if way == "variable" else "")
    outputs = {"BucketName": "media", "TableName": "jobs", "ProviderSecrets": "rushes/providers"}
    monkeypatch.setattr(Session, "outputs", outputs)
    name = None if way == "variable" else "rushes"
    found = find_target(name, local=False, env_file=None)
    assert (found.bucket, found.table, found.secrets) == ("media", "jobs", "rushes/providers")
    assert not found.is_local


def test_stack_that_is_no_rushes(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(boto3, "Session", Session)
    monkeypatch.setattr(Session, "outputs", {"BucketName": "media"})
    with pytest.raises(CommandError, match="has no output TableName"):
        find_target("rushes", local=False, env_file=None)


def test_keys_can_be_stored_before_the_upgrade_of_a_stack(monkeypatch: pytest.MonkeyPatch):
    """Release 0.2 has no output ProviderSecrets."""
    monkeypatch.setattr(boto3, "Session", Session)
    monkeypatch.setattr(Session, "outputs", {"BucketName": "media", "TableName": "jobs"})
    found = find_target("rushes", local=False, env_file=None)
    assert found.secrets == "rushes/providers"
