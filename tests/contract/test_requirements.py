"""Every requirement of the source documents works, or has a reason in exceptions.toml."""

import pytest

from tests.contract.requirements import REQUIREMENTS, exceptions
from tests.contract.requirements.bench import Bench
from tests.contract.requirements.requirement import Requirement
from tests.unit.dialects.api_client import Caller, Reply

REASONS = exceptions()
CLIENTS = [row for row in REQUIREMENTS if row.role == "client"]
MIN_WORKING = 172 / 180
"""Share of the requirements that work."""


@pytest.mark.parametrize("requirement", REQUIREMENTS, ids=lambda row: row.id)
def test_requirement_works(requirement: Requirement, monkeypatch: pytest.MonkeyPatch):
    if requirement.id not in REASONS:
        requirement.check(Bench(monkeypatch))
        return
    with pytest.raises((AssertionError, KeyError)):  # else remove it from exceptions.toml
        requirement.check(Bench(monkeypatch))


@pytest.mark.parametrize("requirement", CLIENTS, ids=lambda row: row.id)
def test_check_fails_at_a_gateway_that_does_nothing(
    requirement: Requirement, monkeypatch: pytest.MonkeyPatch
):
    """One that answers each request with 200, or each with 404."""
    for status in (200, 404):
        answer = Reply(status, {}, "{}")
        monkeypatch.setattr(Caller, "raw", lambda *_, answer=answer: answer)
        try:
            requirement.check(Bench(monkeypatch))
        except (AssertionError, KeyError):
            return
    pytest.fail("the check succeeds")


def test_ids_are_unique():
    ids = [requirement.id for requirement in REQUIREMENTS]
    assert len(ids) == len(set(ids))


def test_exceptions_are_requirements_and_few():
    assert set(REASONS) <= {requirement.id for requirement in REQUIREMENTS}
    assert len(REQUIREMENTS) - len(REASONS) >= MIN_WORKING * len(REQUIREMENTS)
