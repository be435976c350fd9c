import pytest
from botocore.exceptions import ClientError, ConnectTimeoutError, NoCredentialsError

from rushes.aws.errors import EXPECTED_CODES, translate_aws_errors
from rushes.errors import AwsUnavailable


def client_error(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "arn:aws:secret"}}, "GetItem")


@pytest.mark.parametrize("code", sorted(EXPECTED_CODES))
def test_translate_passes_expected_codes_through(code: str):
    with pytest.raises(ClientError), translate_aws_errors():
        raise client_error(code)


@pytest.mark.parametrize(
    "code", ["ThrottlingException", "AccessDeniedException", "InternalServerError", "SlowDown"]
)
def test_translate_names_operation_and_code_only(code: str):
    with pytest.raises(AwsUnavailable) as raised, translate_aws_errors():
        raise client_error(code)
    assert raised.value.message == f"GetItem returned {code}"
    assert raised.value.retryable


def test_translate_handles_an_error_without_code():
    with pytest.raises(AwsUnavailable, match="GetItem returned unknown"), translate_aws_errors():
        raise ClientError({}, "GetItem")


@pytest.mark.parametrize(
    "error", [ConnectTimeoutError(endpoint_url="http://x"), NoCredentialsError()]
)
def test_translate_handles_connection_errors(error: Exception):
    with pytest.raises(AwsUnavailable, match=type(error).__name__), translate_aws_errors():
        raise error


def test_translate_passes_other_errors_through():
    with pytest.raises(ValueError, match="ours"), translate_aws_errors():
        raise ValueError("ours")
