"""The commands, as a user runs them, on a deployment in this process."""

import io
import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws
from typer.testing import CliRunner, Result

from cli import app as command
from cli import deployment_options
from cli.target import Target
from rushes.aws.dynamodb.jobs import JobTable
from rushes.jobs.job import Job
from tests.unit.jobs.plain_job import plain_job

CONFIG = """\
default_model = "sandbox/one"
[providers.sandbox]
protocol = "openai_compatible"
base_url = "https://sandbox.example/v1"
[providers.other]
protocol = "runway"
[[models]]
name = "sandbox/one"
seconds = [4]
"""
TWO = CONFIG + '[[models]]\nname = "sandbox/two"\n'
SESSION = boto3.Session("id", "secret", region_name="us-east-1")
"""Shared, as it caches the descriptions of the services."""
KEY = "sk-a-key-that-is-secret"


@dataclass
class Deployment:
    session: boto3.Session
    folder: Path
    monkeypatch: pytest.MonkeyPatch

    def __post_init__(self) -> None:
        self.client("s3").create_bucket(Bucket="media")
        self.client("dynamodb").create_table(
            TableName="jobs",
            KeySchema=[
                {"AttributeName": "pk", "KeyType": "HASH"},
                {"AttributeName": "sk", "KeyType": "RANGE"},
            ],
            AttributeDefinitions=[
                {"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk")
            ],
            BillingMode="PAY_PER_REQUEST",
        )
        self.target = Target("rushes", self.session, "media", "jobs", "rushes/providers")
        self.jobs: tuple[Job, ...] = ()
        self.monkeypatch.setattr(deployment_options, "find_target", self._find_target)
        self.monkeypatch.setattr(JobTable, "due", lambda *_: iter(self.jobs))
        self.monkeypatch.chdir(self.folder)

    def _find_target(self, stack: str | None, *, local: bool, env_file: Path | None) -> Target:
        assert (stack, local, env_file) == ("rushes", False, None)
        return self.target

    def client(self, service: str) -> Any:
        make: Any = self.session.client
        return make(service)

    def write(self, text: str) -> str:
        (self.folder / "rushes.toml").write_text(text)
        return text

    def rushes(self, *arguments: str, given: str | None = None) -> Result:
        """Run the command; the result has its exit code and output."""
        return run(*arguments, "--stack", "rushes", given=given)

    def json(self, *arguments: str) -> Any:
        result = self.rushes(*arguments, "--json")
        assert result.exit_code in (0, 1), result.output
        return json.loads(result.stdout)

    def secret(self, provider: str) -> Any:
        found = self.client("secretsmanager").get_secret_value(
            SecretId=f"rushes/providers/{provider}"
        )
        return json.loads(found["SecretString"])


def run(*arguments: str, given: str | None = None) -> Result:
    """Run `main` with these arguments, as its errors become exit codes there."""
    result = CliRunner().invoke(command.app, arguments, input=given)
    if result.exception and not isinstance(result.exception, SystemExit):
        monkeypatch = pytest.MonkeyPatch()
        output = io.StringIO()
        with monkeypatch.context() as patch:
            patch.setattr(sys, "stderr", output)

            def fail(*_: object, **__: object) -> None:
                raise result.exception  # type: ignore[misc]

            patch.setattr(command, "app", fail)
            with pytest.raises(SystemExit) as raised:
                command.main()
        result.exit_code = raised.value.code  # type: ignore[assignment]
        result.stderr_bytes = output.getvalue().encode()
    return result


@pytest.fixture
def deployment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Deployment]:
    with mock_aws():
        yield Deployment(SESSION, tmp_path, monkeypatch)


def test_check_needs_no_deployment(tmp_path: Path):
    file = tmp_path / "rushes.toml"
    file.write_text(CONFIG)
    result = run("config", "check", str(file))
    assert (result.exit_code, result.stdout) == (
        0,
        f"{file}: valid: 2 providers, 1 models, 0 aliases\n",
    )


def test_check_prints_file_and_line_of_each_error(tmp_path: Path):
    file = tmp_path / "rushes.toml"
    file.write_text(CONFIG.replace("[4]", '["four"]'))
    result = run("config", "check", str(file))
    assert result.exit_code == 1
    assert result.stdout.startswith(f"{file}:9: model 'sandbox/one'.seconds.0: Input should be")
    result = run("config", "check", str(file), "--json")
    assert [problem["line"] for problem in json.loads(result.stdout)["problems"]] == [9]


@pytest.mark.parametrize(
    ("content", "code", "message"),
    [(None, 2, "No such file"), (b"\xff", 1, "is not UTF-8 text")],
)
def test_check_of_a_file_that_cannot_be_read(
    content: bytes | None, code: int, message: str, tmp_path: Path
):
    file = tmp_path / "rushes.toml"
    if content is not None:
        file.write_bytes(content)
    result = run("config", "check", str(file))
    assert (result.exit_code, message in result.stderr) == (code, True)


def test_push_diff_and_history(deployment: Deployment):
    deployment.write(CONFIG)
    pushed = deployment.rushes("config", "push", "--note", "first")
    assert "published version 1; functions take it up within a minute" in pushed.stdout
    assert deployment.rushes("config", "diff").stdout == "0 differences to version 1\n"
    deployment.write(TWO)
    result = deployment.rushes("config", "diff")
    assert (result.exit_code, result.stdout) == (
        1,
        "+ model sandbox/two\n1 differences to version 1\n",
    )
    assert deployment.json("config", "push")["number"] == 2
    assert "nothing to publish" in deployment.rushes("config", "push").stdout
    _, newest, oldest = deployment.rushes("config", "history").stdout.splitlines()
    assert newest.split()[:2] == ["*", "2"]
    assert (oldest.split()[0], oldest.split()[-1]) == ("1", "first")
    assert deployment.rushes("config", "history", "1").stdout == CONFIG


def test_push_of_an_invalid_configuration(deployment: Deployment):
    deployment.write(CONFIG.replace("[4]", "4"))
    result = deployment.rushes("config", "push")
    assert (result.exit_code, result.stdout.startswith("rushes.toml:9: ")) == (1, True)
    assert deployment.json("config", "history") == []


def test_push_of_an_http_url_to_aws(deployment: Deployment):
    """The functions would refuse it at each call; a local stack allows it."""
    deployment.write(CONFIG.replace("https:", "http:"))
    result = deployment.rushes("config", "push")
    assert result.exit_code == 1
    assert "provider sandbox: base_url http://sandbox.example" in result.stderr
    assert deployment.json("config", "history") == []
    deployment.target = replace(deployment.target, is_local=True)
    assert deployment.rushes("config", "push").exit_code == 0


def test_push_warns_about_models_with_open_jobs(deployment: Deployment):
    deployment.write(TWO)
    deployment.rushes("config", "push")
    deployment.jobs = (
        plain_job(model="sandbox/two"),
        plain_job(model="sandbox/one", fallbacks=("sandbox/two",)),
        plain_job(model="sandbox/one"),
    )
    deployment.write(CONFIG)
    result = deployment.rushes("config", "push")
    assert result.stderr == (
        "warning: model sandbox/two is not in the configuration and has 2 open jobs; they finish"
        " under the version that accepted them\n"
    )
    assert "published version 2" in result.stdout
    deployment.write(TWO)
    assert deployment.json("config", "push")["open_jobs_of_dropped_models"] == {}
    assert deployment.json("config", "rollback")["open_jobs_of_dropped_models"] == {
        "sandbox/two": 2
    }


def test_rollback(deployment: Deployment):
    for text in (CONFIG, TWO):
        deployment.write(text)
        deployment.rushes("config", "push")
    result = deployment.rushes("config", "rollback")
    assert result.stdout.startswith("published version 3, which is version 1 again; ")
    assert deployment.json("config", "diff")["differences"][0]["name"] == "sandbox/two"
    result = deployment.rushes("config", "rollback", "9")
    assert (result.exit_code, result.stderr) == (1, "error: version 9 is missing\n")


def test_push_replaces_a_corrupt_configuration(deployment: Deployment):
    deployment.write(CONFIG)
    deployment.rushes("config", "push")
    s3 = deployment.client("s3")
    s3.put_object(Bucket="media", Key="config/versions/1.json", Body=b"{")
    assert deployment.rushes("config", "diff").exit_code == 1
    result = deployment.rushes("config", "push")
    assert "this push replaces it" in result.stderr
    assert "published version 2" in result.stdout


@pytest.fixture
def published(deployment: Deployment) -> Deployment:
    deployment.write(CONFIG)
    deployment.rushes("config", "push")
    return deployment


def from_stdin(deployment: Deployment, key: str) -> Result:
    return deployment.rushes("provider", "set-key", "sandbox", "-", given=f"{key}\n")


def from_file(deployment: Deployment, key: str) -> Result:
    file = deployment.folder / "key"
    file.write_text(f"{key}\n")
    return deployment.rushes("provider", "set-key", "sandbox", "--key-file", str(file))


def from_prompt(deployment: Deployment, key: str) -> Result:
    with deployment.monkeypatch.context() as patch:
        patch.setattr("cli.provider_commands.is_terminal", lambda: True)
        return deployment.rushes("provider", "set-key", "sandbox", given=f"{key}\n")


@pytest.mark.parametrize("way", [from_stdin, from_file, from_prompt])
def test_set_key_stores_and_never_prints_it(
    published: Deployment, way: Callable[[Deployment, str], Result]
):
    result = way(published, KEY)
    assert result.exit_code == 0, result.output
    assert published.secret("sandbox") == {"api_key": KEY}
    assert "created the secret rushes/providers/sandbox" in result.stdout
    assert KEY not in result.output
    result = way(published, f"{KEY}-2")
    assert "changed the secret" in result.stdout
    assert published.secret("sandbox") == {"api_key": f"{KEY}-2"}


def test_set_key_leaves_the_secrets_of_others(published: Deployment):
    from_stdin(published, KEY)
    published.rushes("provider", "set-key", "other", "-", given="another-key")
    assert published.secret("sandbox") == {"api_key": KEY}
    assert published.secret("other") == {"api_key": "another-key"}


def test_base_url_is_kept_until_it_is_removed(published: Deployment):
    url = ("--base-url", "https://mine.example/v1")
    published.rushes("provider", "set-key", "sandbox", "-", *url, given=KEY)
    from_stdin(published, "the-next-key")
    both = {"base_url": "https://mine.example/v1", "api_key": "the-next-key"}
    assert published.secret("sandbox") == both
    published.rushes("provider", "set-key", "sandbox", "--without-key", "--base-url", "")
    assert published.secret("sandbox") == {"api_key": "the-next-key"}


def test_first_key_of_a_local_stack_replaces_the_sandbox(published: Deployment):
    """Without a base URL in the configuration, the sandbox's stays: it is the only one."""
    published.target = replace(published.target, sandbox_url="http://127.0.0.1:9", is_local=True)
    sandbox = ("--base-url", "http://127.0.0.1:9/v1")
    for provider in ("sandbox", "other"):
        published.rushes("provider", "set-key", provider, "-", *sandbox, given="key-of-it")
    result = from_stdin(published, KEY)
    assert "calls go to https://sandbox.example/v1, no longer to the sandbox" in result.stdout
    assert published.secret("sandbox") == {"api_key": KEY}
    published.rushes("provider", "set-key", "other", "-", given=KEY)
    assert published.secret("other") == {"api_key": KEY, "base_url": sandbox[1]}


def test_key_of_a_vendor_replaces_the_sandbox_before_the_vendor_is_configured(
    published: Deployment,
):
    published.target = replace(published.target, sandbox_url="http://127.0.0.1:9", is_local=True)
    url = ("--base-url", "http://127.0.0.1:9/fal")
    published.rushes("provider", "set-key", "fal", "-", *url, given="key-of-it")
    published.rushes("provider", "set-key", "fal", "-", given=KEY)
    assert published.secret("fal") == {"api_key": KEY}


def test_secret_that_is_scheduled_for_deletion_is_restored(published: Deployment):
    from_stdin(published, KEY)
    published.client("secretsmanager").delete_secret(SecretId="rushes/providers/sandbox")
    assert from_stdin(published, "the-next-key").exit_code == 0
    assert published.secret("sandbox") == {"api_key": "the-next-key"}


@pytest.mark.parametrize(
    ("arguments", "given", "message"),
    [
        (("sandbox", KEY), None, "a key is not taken as an argument"),
        (("sandbox",), "", "no terminal to ask for the key"),
        (("sandbox", "-"), "", "the key is empty"),
        (("sandbox", "-"), KEY * 1000, "the key has more than 16384 characters"),
        (("kling-v1", "-"), KEY, "'kling-v1' is invalid: access_key and secret_key are required"),
        (("bedrock", "-"), KEY, "provider bedrock takes no key"),
        (("sandbox", "-"), "sk-\n-two-lines", "api_key"),
        (("sandbox", "--key-file", "absent"), None, "absent cannot be read: FileNotFoundError"),
        (("sandbox", "-", "--key-file", "x"), None, "give either - or --key-file"),
        (("sandbox", "--without-key"), None, "--without-key requires --base-url"),
        (("sanbox", "-"), KEY, "unknown provider 'sanbox'"),
        (("sandbox", "-", "--base-url", "http://a.example"), KEY, "--base-url: must use https"),
    ],
)
def test_set_key_refuses(
    published: Deployment, arguments: tuple[str, ...], given: str | None, message: str
):
    result = published.rushes("provider", "set-key", *arguments, given=given)
    assert (result.exit_code, message in result.stderr) == (2, True), result.stderr
    assert KEY not in result.output
    with pytest.raises(published.client("secretsmanager").exceptions.ResourceNotFoundException):
        published.secret("sandbox")


def test_set_key_of_a_provider_that_is_in_the_file_only(published: Deployment):
    published.write(f'{CONFIG}[providers.next]\nprotocol = "runway"\n')
    assert published.rushes("provider", "set-key", "next", "-", given=KEY).exit_code == 0


def test_short_key_is_stored_with_a_warning(published: Deployment):
    result = from_stdin(published, "short")
    assert "has less than 8 characters and is not redacted" in result.stderr
    assert published.secret("sandbox") == {"api_key": "short"}


def test_list_shows_which_providers_have_a_secret(published: Deployment):
    from_stdin(published, KEY)
    rows = {row["name"]: row for row in published.json("provider", "list")}
    assert rows["sandbox"]["secret_changed_at"] is not None
    assert rows["other"]["secret_changed_at"] is None
    assert (rows["sandbox"]["models"], rows["other"]["models"]) == (1, 0)
    text = published.rushes("provider", "list").stdout
    assert "https://sandbox.example/v1" in text
    assert KEY not in text
    url = ("--base-url", "https://mine.example/v1")
    published.rushes("provider", "set-key", "sandbox", "--without-key", *url)
    assert "https://mine.example/v1" in published.rushes("provider", "list").stdout


def test_unknown_provider_cannot_be_tested(published: Deployment):
    result = published.rushes("provider", "test", "sanbox")
    assert (result.exit_code, "'sanbox' is not in the configuration" in result.stderr) == (2, True)
