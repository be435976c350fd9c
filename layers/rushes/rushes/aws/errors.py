"""Where AWS's errors become ours."""

from collections.abc import Iterator
from contextlib import contextmanager

from botocore.exceptions import BotoCoreError, ClientError

from rushes.errors import AwsUnavailable

ANSWERS = frozenset(
    {
        "ConditionalCheckFailedException",
        "ExecutionAlreadyExists",
        "ExecutionDoesNotExist",
        "NoSuchKey",
        "PreconditionFailed",
        "404",
        "TransactionCanceledException",
    }
)
"""Error codes that are answers to what was asked; they pass through."""


@contextmanager
def translate_aws_errors() -> Iterator[None]:
    """Whatever AWS could not do is `AwsUnavailable`, naming the operation and the code only."""
    try:
        yield
    except ClientError as error:
        code = error.response.get("Error", {}).get("Code", "unknown")
        if code in ANSWERS:
            raise
        raise AwsUnavailable(f"{error.operation_name} answered {code}") from error
    except BotoCoreError as error:
        raise AwsUnavailable(f"no answer from AWS ({type(error).__name__})") from error
