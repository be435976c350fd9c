from collections.abc import Mapping
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from botocore import auth
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.credentials import Credentials

from rushes.aws.sigv4 import RoleSigner
from rushes.errors import ProviderNotConfigured
from rushes.redaction import MARK, REDACTOR

ARN = "arn:aws:bedrock:us-west-2:123456789012:async-invoke/abc123def456"
URL = "https://bedrock-runtime.us-west-2.amazonaws.com"
CREDENTIALS = Credentials("AKIDEXAMPLE", "secret-access-key", "session-token-of-the-role")


@pytest.fixture(autouse=True)
def fixed_time(monkeypatch: pytest.MonkeyPatch) -> None:
    now = datetime(2026, 11, 28, 12, tzinfo=UTC)
    if hasattr(auth, "get_current_datetime"):
        monkeypatch.setattr(auth, "get_current_datetime", lambda: now)
    else:  # the oldest botocore
        clock = SimpleNamespace(utcnow=lambda: now, strptime=datetime.strptime)
        monkeypatch.setattr(auth, "datetime", SimpleNamespace(datetime=clock))


def signer(region: str = "eu-central-1") -> RoleSigner:
    return RoleSigner(lambda: CREDENTIALS, region)


def sent_by_boto3(operation: str, **arguments: Any) -> AWSPreparedRequest:
    """Return the request that the service's own client would send."""
    client: Any = boto3.client(
        "bedrock-runtime",
        region_name="us-west-2",
        aws_access_key_id=CREDENTIALS.access_key,
        aws_secret_access_key=CREDENTIALS.secret_key,
        aws_session_token=CREDENTIALS.token,
    )
    sent: list[AWSPreparedRequest] = []
    headers: Any = {}

    class Raw:
        def stream(self, **_: object) -> list[bytes]:
            return [b"{}"]

    def record(request: AWSPreparedRequest, **_: object) -> AWSResponse:
        sent.append(request)
        return AWSResponse(request.url, 200, headers, Raw())

    client.meta.events.register("before-send", record)
    getattr(client, operation)(**arguments)
    return sent[0]


def signature(headers: Mapping[str, Any]) -> str:
    value = headers["Authorization"]
    return value.decode() if isinstance(value, bytes) else str(value)


def test_poll_is_signed_as_by_the_client_of_the_service():
    """The percent-encoded ARN is encoded once more in the signed text."""
    expected = sent_by_boto3("get_async_invoke", invocationArn=ARN)
    headers = signer().for_url(URL)("GET", expected.url, b"")
    assert expected.url.endswith(
        "/arn%3Aaws%3Abedrock%3Aus-west-2%3A123456789012%3Aasync-invoke%2Fabc123def456"
    )
    assert signature(headers) == signature(dict(expected.headers.items()))


@pytest.mark.parametrize(
    ("base_url", "region"),
    [
        (URL, "us-west-2"),
        ("https://bedrock-runtime-fips.us-gov-west-1.amazonaws.com", "us-gov-west-1"),
        ("https://vpce-0-a.bedrock-runtime.us-east-1.vpce.amazonaws.com", "us-east-1"),
        ("http://127.0.0.1:4566", "eu-central-1"),
        ("https://proxy.example/bedrock", "eu-central-1"),
    ],
)
def test_region_is_that_of_the_host_or_else_of_the_function(base_url: str, region: str):
    headers = signer().for_url(base_url)("POST", f"{base_url}/async-invoke", b"{}")
    assert f"/{region}/bedrock/aws4_request" in signature(headers)


def test_body_is_part_of_the_signature():
    sign = signer().for_url(URL)
    signatures = {signature(sign("POST", f"{URL}/async-invoke", body)) for body in (b"1", b"2")}
    assert len(signatures) == 2


def test_session_token_is_sent_and_redacted():
    headers = signer().for_url(URL)("GET", f"{URL}/async-invoke", b"")
    assert headers["X-Amz-Security-Token"] == "session-token-of-the-role"
    assert REDACTOR.redact("session-token-of-the-role") == MARK


def test_missing_credentials_are_a_named_error():
    sign = RoleSigner(lambda: None, "us-west-2").for_url(URL)
    with pytest.raises(ProviderNotConfigured, match="no AWS credentials"):
        sign("GET", URL, b"")
