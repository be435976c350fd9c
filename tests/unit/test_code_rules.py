"""The security rules of tools/ast-grep report code of ours, in the folders that they are for."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
RULES = ROOT / "tools/ast-grep"
NAMES = sorted(file.stem for file in (RULES / "rules").glob("*.yml"))
ALLOWED_IN = {
    "aws-client-outside-wiring": "layers/rushes/rushes/wiring/module.py",
    "header-as-number": "layers/rushes/rushes/header_values.py",
    "http-client-outside-http": "layers/rushes/rushes/http/module.py",
    "unbounded-json": "layers/rushes/rushes/dialects/request_body.py",
}
"""A file in which each restricted rule allows the code."""


def cases(rule: str, kind: str) -> list[str]:
    examples: list[str] = yaml.safe_load((RULES / f"tests/{rule}.yml").read_text())[kind]
    return examples


def reported(folder: Path, module: str, examples: list[str]) -> list[str]:
    """Return the names of the rules that the examples, one per line, break."""
    file = folder / module
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("\n".join(examples))
    command = [str(ROOT / "scripts/scan_code.sh"), "--json=compact", str(folder)]
    result = subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True)
    assert result.returncode in (0, 1), result.stderr
    findings: list[dict[str, Any]] = json.loads(result.stdout)
    assert (result.returncode == 1) is bool(findings)
    return [finding["ruleId"] for finding in findings]


def test_each_rule_has_its_examples():
    assert sorted(file.stem for file in (RULES / "tests").glob("*.yml")) == NAMES
    for rule in NAMES:
        assert yaml.safe_load((RULES / f"rules/{rule}.yml").read_text())["id"] == rule
        assert len(cases(rule, "valid")) >= 3
        assert len(cases(rule, "invalid")) >= 3


@pytest.mark.parametrize("rule", NAMES)
def test_rule_reports_its_examples(rule: str, tmp_path: Path):
    module = "layers/rushes/rushes/workflow/module.py"
    found = reported(tmp_path, module, cases(rule, "invalid"))
    assert found.count(rule) >= len(cases(rule, "invalid"))
    assert rule not in reported(tmp_path, module, cases(rule, "valid"))


@pytest.mark.parametrize(("rule", "module"), ALLOWED_IN.items())
def test_rule_allows_the_code_in_its_place(rule: str, module: str, tmp_path: Path):
    assert rule not in reported(tmp_path, module, cases(rule, "invalid"))


def test_our_code_keeps_the_rules():
    command = [ROOT / "scripts/scan_code.sh"]
    result = subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True)
    assert result.returncode == 0, result.stdout
