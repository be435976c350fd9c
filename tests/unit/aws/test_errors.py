"""Where AWS's errors become ours."""

import pytest
from botocore.exceptions import ClientError, ConnectTimeoutError, NoCredentialsError

from rushes.aws.errors import ANSWERS, translate_aws_errors
from rushes.errors import AwsUnavailable


def client_error(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "arn:aws:secret"}}, "GetItem")


@pytest.mark.parametrize("code", sorted(ANSWERS))
def test_an_answer_to_what_was_asked_passes_through(code: str):
    with pytest.raises(ClientError), translate_aws_errors():
        raise client_error(code)


@pytest.mark.parametrize(
    "code", ["ThrottlingException", "AccessDeniedException", "InternalServerError", "SlowDown"]
)
def test_what_aws_would_not_do_is_our_trouble_without_its_words(code: str):
    with pytest.raises(AwsUnavailable) as trouble, translate_aws_errors():
        raise client_error(code)
    assert trouble.value.message == f"GetItem answered {code}"
    assert trouble.value.retryable


def test_an_error_without_a_code_is_trouble_too():
    with pytest.raises(AwsUnavailable, match="GetItem answered unknown"), translate_aws_errors():
        raise ClientError({}, "GetItem")


@pytest.mark.parametrize(
    "error", [ConnectTimeoutError(endpoint_url="http://x"), NoCredentialsError()]
)
def test_no_answer_from_aws_is_our_trouble(error: Exception):
    with pytest.raises(AwsUnavailable, match=type(error).__name__), translate_aws_errors():
        raise error


def test_other_errors_are_none_of_its_business():
    with pytest.raises(ValueError, match="ours"), translate_aws_errors():
        raise ValueError("ours")
