"""Synchronous invocations of the deployment's own functions."""

import json
from typing import Any

from botocore.exceptions import ReadTimeoutError

from rushes.aws.errors import translate_aws_errors
from rushes.errors import ServerError
from rushes.json_parser import parse_json
from rushes.ports.provider_checks import KeyCheck

READ_SECONDS = 24
"""The response of the api function is due within 29 seconds."""
MAX_VALUES = 10


class PollFunction:
    """Checks providers' keys by the poll function, which alone may read them.

    `client` neither repeats an invocation nor waits for more than `READ_SECONDS`.
    """

    def __init__(self, client: Any, arn: str) -> None:  # noqa: ANN401 - no stubs for Lambda
        self._client = client
        self._arn = arn

    def check(self, provider: str) -> KeyCheck:
        try:
            with translate_aws_errors():
                reply = self._client.invoke(
                    FunctionName=self._arn,
                    Payload=json.dumps({"check_provider": provider}).encode(),
                )
        except ServerError as error:
            if isinstance(error.__cause__, ReadTimeoutError):
                return KeyCheck("unclear", f"no answer within {READ_SECONDS} seconds")
            raise
        if "FunctionError" in reply:
            raise ServerError("the poll function failed")
        found = parse_json(reply["Payload"].read(), MAX_VALUES)
        return KeyCheck(found["status"], found["reason"])
