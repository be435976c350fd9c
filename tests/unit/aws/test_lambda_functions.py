"""Checks of providers' keys by the poll function."""

import io
import json
from typing import Any

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError

from functions.poll import app
from rushes.aws.lambda_functions import PollFunction
from rushes.errors import AwsUnavailable, ServerError
from rushes.ports.provider_checks import KeyCheck
from rushes.wiring import workflow
from tests.lambda_context import InvocationContext


class FakeLambda:
    def __init__(self, reply: dict[str, Any] | Exception) -> None:
        self.reply = reply
        self.sent: dict[str, Any] = {}

    def invoke(self, **arguments: Any) -> dict[str, Any]:
        self.sent = arguments
        if isinstance(self.reply, Exception):
            raise self.reply
        return self.reply


def reply_of(value: object, **fields: str) -> dict[str, Any]:
    return {"Payload": io.BytesIO(json.dumps(value).encode()), **fields}


def test_result_is_that_of_the_poll_function(monkeypatch: pytest.MonkeyPatch):
    accepted = KeyCheck("accepted", "HTTP 404")
    client = FakeLambda(reply_of(vars(accepted)))
    assert PollFunction(client, "arn:poll").check("acme") == accepted
    assert client.sent["FunctionName"] == "arn:poll"
    asked: list[str] = []

    def check_key(name: str) -> KeyCheck:
        asked.append(name)
        return accepted

    monkeypatch.setattr(workflow, "check_key", check_key)
    event = json.loads(client.sent["Payload"])
    assert app.lambda_handler(event, InvocationContext()) == vars(accepted)  # type: ignore[arg-type]
    assert asked == ["acme"]


def test_slow_provider_is_unclear():
    late = FakeLambda(ReadTimeoutError(endpoint_url="https://lambda.example"))
    result = PollFunction(late, "arn").check("acme")
    assert result == KeyCheck("unclear", "no answer within 24 seconds")


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        (reply_of({"errorMessage": "secret"}, FunctionError="Unhandled"), ServerError),
        (ClientError({"Error": {"Code": "TooManyRequestsException"}}, "Invoke"), AwsUnavailable),
    ],
)
def test_failure_of_the_function_is_an_error_without_its_text(reply: Any, error: type[Exception]):
    with pytest.raises(error) as caught:
        PollFunction(FakeLambda(reply), "arn").check("acme")
    assert "secret" not in str(caught.value)
