"""The deployment that a command is about."""

from contextvars import ContextVar
from pathlib import Path
from typing import Any

import boto3
import pytest

from cli import profiles, target
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
def _no_variable(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("RUSHES_STACK", "RUSHES_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setattr(profiles, "CHOSEN", ContextVar("profile", default=None))
    monkeypatch.setattr(target, "CHOSEN", profiles.CHOSEN)


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
    given: dict[str, Any] = {}  # noqa: RUF012 - of the latest session

    def __init__(self, **options: Any) -> None:
        Session.given = options

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


PROFILES = """
default = "production"
[profiles.production]
stack = "rushes"
region = "eu-central-1"
aws_profile = "media"
[profiles.laptop]
local = true
[profiles.team]
url = "https://rushes.example"
api_key = "rk_secret"
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    file = tmp_path / "config/rushes/config.toml"
    file.parent.mkdir(parents=True)
    file.write_text(PROFILES)
    return file


OUTPUTS = {"BucketName": "media", "TableName": "jobs"}


@pytest.mark.usefixtures("config")
@pytest.mark.parametrize(
    ("chosen", "stack", "variable", "given", "options"),
    [
        (None, None, "", {"profile_name": "media", "region_name": "eu-central-1"}, "--stack"),
        ("production", None, "other", {"region_name": "eu-central-1"}, "--profile"),
        (None, "rushes", "", {"profile_name": None, "region_name": None}, "--stack"),
        (None, None, "rushes", {"profile_name": None, "region_name": None}, "--stack"),
        ("production", "rushes", "", {"region_name": "eu-central-1"}, "--stack"),
    ],
)
def test_profile_names_stack_region_and_credentials(
    chosen: str | None,
    stack: str | None,
    variable: str,
    given: dict[str, str | None],
    options: str,
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr(boto3, "Session", Session)
    monkeypatch.setattr(Session, "outputs", OUTPUTS)
    monkeypatch.setenv("RUSHES_STACK", variable)
    profiles.CHOSEN.set(chosen)
    found = find_target(stack, local=False, env_file=None)
    assert given.items() <= Session.given.items()
    assert found.options[0] == options


@pytest.mark.usefixtures("config")
def test_profile_of_a_local_stack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    file = tmp_path / "stack.env"
    write_environment(file, VARIABLES)
    monkeypatch.setattr(target, "LOCAL_FILE", file)
    profiles.CHOSEN.set("laptop")
    assert find_target(None, local=False, env_file=None).is_local


@pytest.mark.parametrize(
    ("text", "chosen", "message"),
    [
        (PROFILES, "absent", "'absent' is unknown: .* has laptop, production, team"),
        (PROFILES, "team", "which stack"),
        ("[profiles.a]\nstak = 1", "a", r"profiles\.a\.stak: Extra inputs"),
        ("[profiles", "a", "config.toml: "),
        ("[profiles.a]\nstack = 7", "a", r"profiles\.a\.stack"),
    ],
)
def test_file_of_profiles_that_does_not_help(text: str, chosen: str, message: str, config: Path):
    config.write_text(text)
    profiles.CHOSEN.set(chosen)
    with pytest.raises(CommandError, match=message):
        find_target(None, local=False, env_file=None)


@pytest.mark.parametrize(("mode", "warns"), [(0o600, False), (0o644, True), (0o640, True)])
def test_key_that_others_can_read(
    config: Path, capsys: pytest.CaptureFixture[str], mode: int, *, warns: bool
):
    config.chmod(mode)
    profiles.CHOSEN.set("team")
    assert profiles.find_profile().api_key == "rk_secret"
    assert ("others can read it" in capsys.readouterr().err) is warns


def test_profile_without_a_file():
    profiles.CHOSEN.set("production")
    with pytest.raises(CommandError, match=r"'production' is unknown: .* does not exist"):
        find_target(None, local=False, env_file=None)


@pytest.mark.usefixtures("config")
def test_error_about_a_profile_never_has_its_key(config: Path):
    config.write_text(PROFILES + 'other = "rk_secret"\n')
    profiles.CHOSEN.set("team")
    with pytest.raises(CommandError) as raised:
        find_target(None, local=False, env_file=None)
    assert "rk_secret" not in str(raised.value)
