"""`rushes provider test NAME --generate`: the cheapest model, its price, and its result."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from moto import mock_aws

from cli import provider_generation
from cli.publication import Publisher
from rushes.ports.http import HttpCall, HttpReply, Upstream
from tests.unit.cli.test_app import SESSION, Deployment

CONFIG = """\
default_model = "acme/dear"
[providers.acme]
protocol = "openai_compatible"
base_url = "https://acme.example/v1"
[providers.edit]
protocol = "openai_compatible"
[[models]]
name = "acme/dear"
seconds = [4, 8]
price_per_second = 0.5
price_source = "invented"
[[models]]
name = "acme/cheap"
seconds = [4, 8]
price_per_second = 0.1
price_source = "invented"
[[models]]
name = "acme/unknown"
price_unknown = "not published"
[[models]]
name = "acme/edit"
inputs = ["image"]
needs = ["image"]
[[models]]
name = "edit/one"
inputs = ["image"]
needs = ["image"]
"""
TEST = ("provider", "test", "acme", "--generate")


class Client:
    """Answers the create call, then each poll; `calls` are those that it got."""

    def __init__(self) -> None:
        self.calls: list[HttpCall] = []
        self.status, self.answers = 200, ["queued", "in_progress", "completed"]

    def send(self, _: Upstream, call: HttpCall) -> HttpReply:
        self.calls.append(call)
        body = {"id": "up-1", "status": self.answers.pop(0)}
        return HttpReply(self.status, {}, json.dumps(body).encode())


@pytest.fixture
def provider(monkeypatch: pytest.MonkeyPatch) -> Client:
    client = Client()
    upstream = Upstream("https://acme.example/v1", {"authorization": "Bearer key"})
    monkeypatch.setattr(provider_generation, "http_client", lambda _: client)
    monkeypatch.setattr(provider_generation, "find_upstream", lambda *_: upstream)
    monkeypatch.setattr("cli.provider_generation.time.sleep", lambda _: None)
    return client


@pytest.fixture
def deployment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Deployment]:
    with mock_aws():
        made = Deployment(SESSION, tmp_path, monkeypatch)
        Publisher(made.target.store, "").push(CONFIG)
        yield made


def test_cheapest_model_makes_one_result_after_a_question(deployment: Deployment, provider: Client):
    result = deployment.rushes(*TEST, given="y\n")
    assert result.exit_code == 0, result.output
    assert "make one result of acme/cheap for $0.40?" in result.stderr
    assert result.stdout.splitlines()[-1] == "acme/cheap made a result, for $0.40"
    assert [call.method for call in provider.calls] == ["POST", "GET", "GET"]


def test_without_consent_nothing_is_sent(deployment: Deployment, provider: Client):
    assert deployment.rushes(*TEST, given="n\n").exit_code == 1
    assert deployment.rushes(*TEST, given="").exit_code == 1
    assert provider.calls == []


def test_failed_result_is_the_exit_code(deployment: Deployment, provider: Client):
    provider.answers = ["queued", "failed"]
    result = deployment.rushes(*TEST, "--yes", "--json")
    found: Any = json.loads(result.stdout)
    assert (result.exit_code, found["model"], found["price"]) == (1, "acme/cheap", 0.4)
    assert found["error"].startswith("upstream_failed")


def test_refused_create_call_is_an_error(deployment: Deployment, provider: Client):
    provider.status = 401
    result = deployment.rushes(*TEST, "--yes")
    assert (result.exit_code, "rejected the API key" in result.stderr) == (2, True), result.output
    assert len(provider.calls) == 1


@pytest.mark.usefixtures("provider")
def test_provider_whose_models_need_files_cannot_be_tested_so(deployment: Deployment):
    result = deployment.rushes("provider", "test", "edit", "--generate", "--yes")
    message = "edit has no model that needs a prompt only"
    assert (result.exit_code, message in result.stderr) == (1, True)
