"""Translate errors of boto3 to `AwsUnavailable`."""

from collections.abc import Iterator
from contextlib import contextmanager

from botocore.exceptions import BotoCoreError, ClientError

from rushes.errors import AwsUnavailable

EXPECTED_CODES = frozenset(
    {
        "ConditionalCheckFailedException",
        "ConditionalRequestConflict",
        "ExecutionAlreadyExists",
        "ExecutionDoesNotExist",
        "InvalidRange",
        "NoSuchKey",
        "PreconditionFailed",
        "404",
        "TransactionCanceledException",
    }
)
"""Error codes that callers handle; they are not translated."""


@contextmanager
def translate_aws_errors() -> Iterator[None]:
    """Raise `AwsUnavailable` with the operation and the error code only, no request data."""
    try:
        yield
    except ClientError as error:
        code = error.response.get("Error", {}).get("Code", "unknown")
        if code in EXPECTED_CODES:
            raise
        raise AwsUnavailable(f"{error.operation_name} returned {code}") from error
    except BotoCoreError as error:
        raise AwsUnavailable(f"no response from AWS ({type(error).__name__})") from error
