"""Check template.yaml with four rule sets; findings without a reason fail. Offline.

    python -m scripts.scan_template
    python -m scripts.scan_template --list    # all findings, also the accepted ones

The template is checked as it is deployed by default, and with its options.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from local.packaging import ROOT, read_template
from scripts.template_rules.findings import Finding, problems, read_accepted
from scripts.template_rules.resolved import Resolver
from scripts.template_rules.tools import cdk_nag, cfn_guard, cfn_lint_serverless, checkov

TRANSLATE = ROOT / "tests/template/translate.py"
ACCEPTED = ROOT / "tools/template-rules/accepted.toml"
VARIANTS: dict[str, dict[str, str]] = {
    "defaults": {},
    "options": {
        "AlarmEmail": "operator@example.com",
        "AlarmTopic": "arn:aws:sns:eu-central-1:111122223333:alarms",
        "ApiConcurrency": "100",
        "ArchiveDays": "7",
        "CertificateArn": "arn:aws:acm:eu-central-1:111122223333:certificate/1",
        "CloudFrontApi": "true",
        "CloudFrontDownloads": "true",
        "CollectConcurrency": "100",
        "CorsAllowOrigins": "https://app.example.com",
        "DeletionProtection": "true",
        "DomainName": "video.example.com",
        "EventReaders": "444455556666",
        "GradualDeployment": "true",
        "HostedZoneId": "Z1",
        "KmsKeyArn": "arn:aws:kms:eu-central-1:111122223333:key/1",
        "LogDays": "365",
        "OutputReaders": "444455556666",
        "PermissionsBoundaryArn": "arn:aws:iam::111122223333:policy/boundary",
        "PollConcurrency": "100",
        "SecurityGroupIds": "sg-1",
        "SnapStart": "true",
        "SubmitConcurrency": "100",
        "SubnetIds": "subnet-1,subnet-2",
        "Tracing": "Active",
        "WebAclArn": "arn:aws:wafv2:us-east-1:111122223333:global/webacl/rushes/1",
    },
}
"""Parameters by variant."""


def main() -> None:
    arguments = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    arguments.add_argument("--list", action="store_true", help="print all findings")
    findings = scan()
    if arguments.parse_args().list:
        print(*sorted({f"{finding.rule} {finding.resource}" for finding in findings}), sep="\n")
        return
    found = list(problems(findings, read_accepted(ACCEPTED)))
    if found:
        sys.exit("\n".join(["findings in template.yaml:", *found]))
    print(f"template.yaml: {len(set(findings))} findings, all accepted with a reason")


def scan() -> list[Finding]:
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(2) as threads:
        files = []
        for name, parameters in VARIANTS.items():
            files.append(Path(folder) / f"{name}.json")
            resolved = Resolver(translated(parameters), parameters).template()
            files[-1].write_text(json.dumps(resolved))
        tools = (checkov, cfn_lint_serverless, cdk_nag, cfn_guard)
        reports = threads.map(lambda tool: list(tool(files)), tools)
        return [finding for report in reports for finding in report]


def translated(parameters: Mapping[str, str]) -> Mapping[str, Any]:
    """Return template.yaml after the SAM transform with these parameters."""
    template = read_template(ROOT / "template.yaml")
    for resource in template["Resources"].values():
        for name in ("CodeUri", "ContentUri", "DefinitionUri"):
            if name in resource.get("Properties", {}):
                resource["Properties"][name] = "s3://bucket/key"
    done = subprocess.run(
        [ROOT / ".local/envs/engine/bin/python", str(TRANSLATE), json.dumps(parameters)],
        input=json.dumps(template),
        env={"AWS_DEFAULT_REGION": "us-east-1"},
        capture_output=True,
        text=True,
        check=True,
    )
    made: Mapping[str, Any] = json.loads(done.stdout)
    return made


if __name__ == "__main__":
    main()
