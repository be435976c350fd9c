"""Call moto's DynamoDB handlers without HTTP and copies: the same code, much faster."""

import json
from typing import Any

from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders
from moto.core.botocore_stubber import MockRawResponse
from moto.core.exceptions import JsonRESTError, ServiceException
from moto.dynamodb.models.utilities import dynamo_json_dump
from moto.dynamodb.responses import DynamoHandler

from tests.faults.moto_stack import ACCOUNT

ACTIONS = {"GetItem": "get_item", "PutItem": "put_item", "Query": "query"}
HEADERS = HTTPHeaders.from_dict({"content-type": "application/x-amz-json-1.0"})


class DirectInvoke:
    def __init__(self, region: str) -> None:
        self._handler: Any = DynamoHandler()
        self._handler.region = region
        self._handler.current_account = ACCOUNT

    def __call__(self, operation: str, request: Any) -> Any:
        """Return the answer; None for errors and other operations, which use moto's HTTP path."""
        if operation not in ACTIONS:
            return None
        self._handler.body = json.loads(request.body)
        try:
            result = getattr(self._handler, ACTIONS[operation])().result
        except (JsonRESTError, ServiceException):
            return None
        body = dynamo_json_dump(result)
        return AWSResponse(request.url, 200, HEADERS, MockRawResponse(body))
