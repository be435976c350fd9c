"""The reference pages are served without a key, and load nothing from other servers."""

import gzip
import re

import pytest

from rushes.api.native.problems import TYPE_BASE
from rushes.api.reference import FOLDER, PATHS
from tests.unit.dialects.api_client import CONTEXT, Caller, event

OTHER_SERVERS = re.compile(r"""(?:src|href)=["'](?:https?:)?//""")
MAX_BYTES = 1_000_000
"""Of a file: API Gateway returns up to 6 MB, and the layer stays small."""


@pytest.fixture
def caller(monkeypatch: pytest.MonkeyPatch) -> Caller:
    return Caller(monkeypatch)


@pytest.mark.parametrize("path", [path for path in PATHS if path != "/docs/redoc.js"])
def test_page_is_served_without_a_key(caller: Caller, path: str):
    reply = caller.raw("GET", path, None, {})
    assert reply.status == 200
    assert reply.text
    assert not OTHER_SERVERS.search(reply.text)
    assert reply.headers["content-type"].endswith("charset=utf-8")
    policy = reply.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "http" not in policy
    assert reply.headers["x-content-type-options"] == "nosniff"


def test_script_is_compressed():
    from functions.api.app import lambda_handler  # noqa: PLC0415 - with the settings of the tests

    response = lambda_handler(event("GET", "/docs/redoc.js", None, {}), CONTEXT)
    headers = {name.lower(): value for name, value in response["headers"].items()}
    assert response["isBase64Encoded"]
    assert headers["content-encoding"] == "gzip"
    assert len(response["body"]) < MAX_BYTES
    script = gzip.decompress((FOLDER / "redoc.standalone.js.gz").read_bytes()).decode()
    assert "@license MIT" in script
    assert "otel.cloud" not in script
    assert "Permission is hereby granted" in (FOLDER / "redoc.LICENSE.txt").read_text()


@pytest.mark.parametrize("path", ["/docs/none", "/docs/errors/none", "/docs/redoc.LICENSE.txt"])
def test_other_file_is_not_found(caller: Caller, path: str):
    assert caller.raw("GET", path, None, {}).status == 404


def test_page_has_get_only(caller: Caller):
    reply = caller.raw("POST", "/docs", None, {})
    assert (reply.status, reply.headers["allow"]) == (405, "GET, HEAD")


def test_type_of_a_problem_is_a_place_on_the_page(caller: Caller):
    path, _, _ = TYPE_BASE.partition("#")
    page = caller.raw("GET", path, None, {}).text
    for code in ("invalid_value", "not_found", "unknown_url"):
        assert f'id="{code}"' in page
