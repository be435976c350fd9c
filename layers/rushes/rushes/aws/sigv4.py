"""Signature Version 4 of provider calls, with the credentials of the function's role."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from rushes.errors import ProviderNotConfigured
from rushes.ports.http import Sign
from rushes.redaction import REDACTOR

SERVICE = "bedrock"
_REGION = re.compile(r"[./]bedrock-runtime(?:-fips)?\.([a-z]{2,}(?:-[a-z]+)+-\d+)\.")


@dataclass(frozen=True)
class RoleSigner:
    """Signs requests to Amazon Bedrock; `region` is that of the function."""

    credentials: Callable[[], Credentials | None]
    region: str

    def for_url(self, base_url: str) -> Sign:
        """Return the function that signs requests to an endpoint, in the region of its host."""
        named = _REGION.search(base_url)
        region = named[1] if named else self.region

        def sign(method: str, url: str, body: bytes) -> Mapping[str, str]:
            return self._headers(AWSRequest(method, url, data=body), region)

        return sign

    def _headers(self, request: AWSRequest, region: str) -> Mapping[str, str]:
        credentials = self.credentials()
        if credentials is None:
            raise ProviderNotConfigured("the function has no AWS credentials")
        if credentials.token:
            REDACTOR.remember(credentials.token)
        SigV4Auth(credentials, SERVICE, region).add_auth(request)
        return dict(request.headers.items())
