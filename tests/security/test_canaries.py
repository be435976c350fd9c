"""No secret leaves the functions, whatever a provider answers: 12 secrets, 200 answers each."""

from collections import Counter
from dataclasses import replace

import pytest

from rushes.redaction import REDACTOR, Redactor
from tests.security.canary_answers import COUNT, answers
from tests.security.canary_harness import Stage
from tests.security.canary_secrets import CANARIES, Canary, leaks

EXITS = {"response", "event", "webhook", "log", "item", "state", "delivery"}


def leaked(canary: Canary, patch: pytest.MonkeyPatch, count: int = COUNT) -> Counter[str]:
    """Return the number of texts with the secret, by the way out."""
    stage = Stage(canary, patch)
    hostile = answers(replace(canary, secret=stage.secret))
    assert len(hostile) == COUNT
    for answer in hostile[:count]:
        if canary.name != "signing":
            stage.run(answer)
        elif not answer.replies[-1].error:  # no provider has it, but the receivers of webhooks do
            stage.send_webhook(answer.replies[-1])
    if canary.name == "signing":
        stage.run(answers(CANARIES[0])[0])
    stage.provoke_logs()
    exits = stage.collect()
    assert set(exits) >= EXITS
    found: Counter[str] = Counter()
    for name, texts in exits.items():
        found[name] += sum(leaks(stage.secret, text) for text in set(texts))
    return +found


@pytest.mark.parametrize("canary", CANARIES, ids=lambda canary: canary.name)
def test_no_secret_leaves_the_functions(canary: Canary, monkeypatch: pytest.MonkeyPatch):
    assert leaked(canary, monkeypatch) == {}


def test_secrets_would_leave_without_redaction(monkeypatch: pytest.MonkeyPatch):
    """The answers reach every way out: otherwise the test above could not fail."""
    monkeypatch.setattr(Redactor, "redact_bytes", lambda _, content: content)
    found = leaked(CANARIES[0], monkeypatch)
    assert found.keys() >= {"response", "event", "webhook", "log", "item"}


def test_signing_secret_would_be_stored_without_redaction(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(Redactor, "redact_bytes", lambda _, content: content)
    (signing,) = (canary for canary in CANARIES if canary.name == "signing")
    assert leaked(signing, monkeypatch, 1)["delivery"] == 2


def test_the_log_alone_would_leak_without_its_redaction(monkeypatch: pytest.MonkeyPatch):
    """The functions' log also quotes what no reply contains, such as an unexpected exception."""
    monkeypatch.setattr(Redactor, "redact_log", lambda _, line: line)
    assert leaked(CANARIES[0], monkeypatch).keys() >= {"log", "function error"}


def test_secrets_are_forgotten_between_tests():
    assert REDACTOR.redact(CANARIES[0].secret) == CANARIES[0].secret
