"""Conversion of API Gateway events."""

import base64
from typing import Any

import pytest
from aws_lambda_powertools.utilities.data_classes import APIGatewayProxyEventV2

from functions.api.app import lambda_handler
from rushes.api.gateway import read_event
from tests.unit.dialects.api_client import CONTEXT, FIELDS, OPENAI, Caller, event, form


def read(**changes: Any) -> Any:
    sent = event("POST", OPENAI, b"{}", {"content-type": "application/json"})
    return read_event(APIGatewayProxyEventV2({**sent, **changes}), {})


@pytest.mark.parametrize(
    ("body", "encoded", "expected"),
    [
        ("{}", False, b"{}"),
        ("", False, b""),
        (None, False, b""),
        ("\u00e9\U0001f600", False, "\u00e9\U0001f600".encode()),
        ("e30=", True, b"{}"),
        ("e30=", False, b"e30="),
        (base64.b64encode(bytes(range(256))).decode(), True, bytes(range(256))),
        ("", True, b""),
        (None, True, b""),
        ("\ud800", False, b"\xed\xa0\x80"),
    ],
)
def test_read_event_decodes_body(body: str | None, encoded: bool, expected: bytes):  # noqa: FBT001 - a column
    assert read(body=body, isBase64Encoded=encoded).body == expected


def test_read_event_lower_cases_header_names():
    assert read(headers={"X-Api-Key": "k"}).headers == {"x-api-key": "k"}


def test_read_event_returns_empty_values_for_absent_fields():
    request = read(body=None)
    assert (request.query, request.variables, request.body) == ({}, {}, b"")


def test_read_event_strips_stage_from_path(caller: Caller):
    headers = {"authorization": f"Bearer {caller.key}"}
    sent = event("GET", f"/prod{OPENAI}", None, headers)
    sent["requestContext"]["stage"] = "prod"
    assert lambda_handler(sent, CONTEXT)["statusCode"] == 200


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("application/json", b'{"prompt": "caf\xc3\xa9"}'),
        ("multipart/form-data; boundary=limit", form([*FIELDS.items()])),
    ],
)
def test_handler_accepts_base64_and_text_bodies(caller: Caller, content_type: str, body: bytes):
    headers = {"authorization": f"Bearer {caller.key}", "content-type": content_type}
    sent = event("POST", OPENAI, body, headers)
    for encoded, text in ((False, body), (True, base64.b64encode(body))):
        changes = {"body": text.decode(), "isBase64Encoded": encoded}
        assert lambda_handler({**sent, **changes}, CONTEXT)["statusCode"] == 200
