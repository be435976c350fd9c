"""API Gateway's events, as the api function gets them."""

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
    ("body", "encoded", "meant"),
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
def test_the_body_is_the_bytes_that_were_sent(body: str | None, encoded: bool, meant: bytes):  # noqa: FBT001 - a column
    assert read(body=body, isBase64Encoded=encoded).body == meant


def test_names_of_headers_are_in_lower_case():
    assert read(headers={"X-Api-Key": "k"}).headers == {"x-api-key": "k"}


def test_what_is_absent_is_empty():
    request = read(body=None)
    assert (request.query, request.variables, request.body) == ({}, {}, b"")


def test_the_stage_is_no_part_of_the_path(caller: Caller):
    headers = {"authorization": f"Bearer {caller.key}"}
    sent = event("GET", f"/prod{OPENAI}", None, headers)
    sent["requestContext"]["stage"] = "prod"
    assert lambda_handler(sent, CONTEXT)["statusCode"] == 200


@pytest.fixture
def caller(monkeypatch: pytest.MonkeyPatch) -> Caller:
    return Caller(monkeypatch)


@pytest.mark.parametrize("kind", ["application/json", "multipart/form-data; boundary=limit"])
def test_bodies_may_come_in_base64_or_as_text(caller: Caller, kind: str):
    body = form([*FIELDS.items()])
    if kind == "application/json":
        body = b'{"prompt": "caf\xc3\xa9"}'
    headers = {"authorization": f"Bearer {caller.key}", "content-type": kind}
    sent = event("POST", OPENAI, body, headers)
    for changes in (
        {"body": body.decode(), "isBase64Encoded": False},
        {"body": base64.b64encode(body).decode(), "isBase64Encoded": True},
    ):
        assert lambda_handler({**sent, **changes}, CONTEXT)["statusCode"] == 200
