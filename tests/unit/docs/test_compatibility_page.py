"""docs/compatibility.md is generated from the tests' tables, the routes and the adapters."""

import json
import re
import subprocess
import sys
import tomllib
from typing import Any

import pytest

from rushes.catalog.vendor_data import read_vendor, vendor_names
from rushes.dialects import DIALECTS
from scripts import generate_compatibility_page
from tests.contract.requirements.bench import Bench
from tests.contract.requirements.refusals import REFUSALS, Refusal
from tests.unit.docs.named_tests import ROOT

PAGE = generate_compatibility_page.PAGE.read_text("utf-8")
CLIENTS: list[dict[str, str]] = tomllib.loads(
    generate_compatibility_page.CLIENTS.read_text("utf-8")
)["client"]


def test_check_succeeds() -> None:
    """On a difference run `python scripts/generate_compatibility_page.py`."""
    command = [sys.executable, str(ROOT / "scripts/generate_compatibility_page.py"), "--check"]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("refusal", REFUSALS, ids=lambda row: f"{row.dialect}: {row.feature}")
def test_request_on_the_page_is_refused(refusal: Refusal, monkeypatch: pytest.MonkeyPatch) -> None:
    reply = refusal.send(Bench(monkeypatch))
    assert 400 <= reply.status < 500, reply


@pytest.mark.parametrize("dialect", DIALECTS, ids=lambda dialect: dialect.name)
def test_page_has_a_section_of_the_client_api(dialect: Any) -> None:
    assert f"### {generate_compatibility_page.TITLES[dialect.name]}\n" in PAGE


@pytest.mark.parametrize("vendor", vendor_names())
def test_page_has_a_row_of_the_vendor(vendor: str) -> None:
    assert f"\n| {read_vendor(vendor).vendor.title} |" in PAGE


@pytest.mark.parametrize("client", CLIENTS, ids=lambda client: client["name"])
def test_client_has_a_test_and_the_version_in_use(client: dict[str, str]) -> None:
    assert (ROOT / client["test"]).is_file()
    if "lock" in client:
        assert client["version"] == locked_version(client["lock"], client["package"])
    if "recording" in client:
        assert f"/{client['version']}" in user_agent(client["recording"])


def user_agent(recording: str) -> str:
    head = (ROOT / "tests/fixtures/form_posts" / recording).read_bytes().partition(b"\r\n\r\n")[0]
    found = re.search(r"^user-agent: (.+)$", head.decode(), re.MULTILINE | re.IGNORECASE)
    assert found
    return found[1]


def locked_version(lock: str, package: str) -> str:
    text = (ROOT / lock).read_text("utf-8")
    if lock.endswith(".json"):
        version: str = json.loads(text)["packages"][f"node_modules/{package}"]["version"]
        return version
    found = re.search(rf'^name = "{re.escape(package)}"\nversion = "([^"]+)"', text, re.MULTILINE)
    assert found
    return found[1]
