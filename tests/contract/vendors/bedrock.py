"""Check create calls for Bedrock against botocore's service model and Luma's parameters page."""

import re
from functools import cache
from importlib.metadata import version
from typing import Any

import jsonschema
from botocore.loaders import create_loader
from botocore.model import OperationModel, ServiceModel
from botocore.validate import ParamValidator

from rushes.catalog.model_entry import ModelEntry
from rushes.ports.http import BucketFolder, HttpCall
from tests.contract.vendors.published_files import read

PAGE = read("bedrock-documented")
SOURCE = (
    f"botocore {version('botocore')} (PyPI), documentation: {PAGE['source']} (read {PAGE['date']})"
)
TOKEN = re.compile(r"[!-~]{1,256}")
S3_URI = re.compile(r"s3://[a-z0-9][.\-a-z0-9]{1,61}[a-z0-9](/.*)?")
"""Patterns of the service model, which botocore does not check."""


@cache
def _operation(name: str) -> OperationModel:
    service = create_loader().load_service_model("bedrock-runtime", "service-2")
    return ServiceModel(service, "bedrock-runtime").operation_model(name)


def errors(model: ModelEntry, call: HttpCall) -> list[str]:
    start = _operation("StartAsyncInvoke")
    assert start.input_shape
    if (call.method, call.path) != (start.http["method"], start.http["requestUri"]):
        return [f"Bedrock has no {call.method} {call.path}"]
    body = _with_uris(call.json)
    report = ParamValidator().validate(body, start.input_shape)
    invalid = report.generate_report().splitlines() if report.has_errors() else []
    if not TOKEN.fullmatch(body["clientRequestToken"]):
        invalid.append("clientRequestToken: not 1 to 256 printable characters")
    uri = body["outputDataConfig"]["s3OutputDataConfig"]["s3Uri"]
    if not S3_URI.fullmatch(uri):
        invalid.append(f"s3Uri: {uri!r} is not an S3 URI")
    if body["modelId"] != model.model_at_provider:
        invalid.append(f"modelId: {body['modelId']!r} is not the model")
    return invalid + _invalid_input(body["modelId"], body["modelInput"])


def _invalid_input(model_id: str, model_input: dict[str, Any]) -> list[str]:
    schema = PAGE["models"].get(model_id)
    if schema is None:
        return [f"{model_id} is not documented"]
    found = jsonschema.Draft202012Validator(schema).iter_errors(model_input)
    return [
        f"modelInput.{'.'.join(map(str, error.absolute_path))}: {error.message[:200]}"
        for error in found
    ]


def _with_uris(value: Any) -> Any:
    if isinstance(value, BucketFolder):
        return f"s3://bucket/{value.key}"
    if isinstance(value, dict):
        return {name: _with_uris(member) for name, member in value.items()}
    return value
