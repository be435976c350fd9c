"""The audit fails on a finding and on an error, and is skipped without a network."""

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from scripts import audit_dependencies
from scripts.audit_dependencies import REQUIREMENTS, ROOT, locks, main

CLEAN = {"dependencies": [{"name": "httpx", "version": "0.28.1", "vulns": []}], "fixes": []}
VULNERABLE = {
    "dependencies": [
        {"name": "skipped", "skip_reason": "it is not on the index"},
        {
            "name": "httpx",
            "version": "0.28.1",
            "vulns": [{"id": "PYSEC-2026-1", "fix_versions": ["0.28.2"]}],
        },
        {"name": "h2", "version": "4.0", "vulns": [{"id": "PYSEC-2026-2", "fix_versions": []}]},
    ],
    "fixes": [],
}
NO_NETWORK = "requests.exceptions.ConnectionError: HTTPSConnectionPool(host='api.osv.dev')"
Answer = Callable[..., None]


@pytest.fixture
def answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Answer:
    """Replace pip-audit by a program with this output for the first file, and the next ones."""
    program, counter = tmp_path / "pip-audit", tmp_path / "counter"

    def set_answers(*answers: tuple[str, str, int]) -> None:
        program.write_text(
            f"#!{sys.executable}\nimport sys\nfrom pathlib import Path\n"
            f"answers, counter = {answers!r}, Path({str(counter)!r})\n"
            "index = len(counter.read_text()) if counter.exists() else 0\n"
            "counter.write_text('x' * (index + 1))\n"
            "output, errors, status = answers[min(index, len(answers) - 1)]\n"
            "print(output, end='')\nprint(errors, file=sys.stderr)\nsys.exit(status)\n"
        )
        program.chmod(0o700)

    monkeypatch.setattr(audit_dependencies, "PIP_AUDIT", program)
    monkeypatch.setattr(audit_dependencies, "export", lambda lock: f"# {lock}\n")
    return set_answers


def run(monkeypatch: pytest.MonkeyPatch, *options: str) -> int:
    monkeypatch.setattr(sys, "argv", ["audit_dependencies.py", *options])
    return main()


def test_every_lock_is_audited():
    names = {str(lock.relative_to(ROOT)) for lock in locks()}
    assert names == {str(lock.relative_to(ROOT)) for lock in ROOT.glob("uv.lock")} | {
        str(lock.relative_to(ROOT)) for lock in (ROOT / "tools").rglob("uv.lock")
    }
    assert "tools/engine/uv.lock" in names
    assert REQUIREMENTS.exists()


def test_audit_without_a_finding_passes(
    answer: Answer, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    answer((json.dumps(CLEAN), "No known vulnerabilities found", 0))
    assert run(monkeypatch) == 0
    assert capsys.readouterr().out == f"{len(locks()) + 1} files audited, 0 vulnerabilities\n"


def test_audit_with_a_finding_fails(
    answer: Answer, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    answer((json.dumps(VULNERABLE), "", 1), (json.dumps(CLEAN), "", 0))
    assert run(monkeypatch) == 1
    printed = capsys.readouterr().out
    assert "uv.lock: httpx 0.28.1: PYSEC-2026-1 (0.28.2)" in printed
    assert "h2 4.0: PYSEC-2026-2 (no fixed version)" in printed


@pytest.mark.parametrize(("options", "status"), [((), 0), (("--required",), 1)])
def test_audit_without_a_network_is_skipped_unless_required(
    options: tuple[str, ...],
    status: int,
    answer: Answer,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
):
    answer(("", f"Traceback\n{NO_NETWORK}", 1))
    assert run(monkeypatch, *options) == status
    assert "skipped: advisory database not reachable" in capsys.readouterr().out


def test_finding_before_the_network_ends_fails(answer: Answer, monkeypatch: pytest.MonkeyPatch):
    answer((json.dumps(VULNERABLE), "", 1), ("", NO_NETWORK, 1))
    assert run(monkeypatch) == 1


def test_error_of_the_audit_fails(
    answer: Answer, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    answer(("", "ERROR: requirement without a hash", 1))
    assert run(monkeypatch) == 1
    assert "the audit failed: ERROR: requirement without a hash" in capsys.readouterr().out
