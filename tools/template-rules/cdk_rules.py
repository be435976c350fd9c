"""Check templates with cdk-nag: `python cdk_rules.py TEMPLATE...`.

Prints a list of [rule, resource]. Runs in the environment of this folder, with Node.js on the path.
"""

import json
import sys
from collections.abc import Iterator

from aws_cdk import App, Stack
from aws_cdk.cloudformation_include import CfnInclude
from cdk_nag import AwsSolutionsChecks, ServerlessChecks


def findings(template: str) -> Iterator[tuple[str, str]]:
    stack = Stack(App(), "Stack")
    CfnInclude(stack, "Template", template_file=template)
    for pack in (AwsSolutionsChecks(), ServerlessChecks()):
        for violation in pack.validate_scope(stack).violations:
            for resource in violation.violating_resources:
                yield violation.rule_name, resource.construct_path.rpartition("/")[2]


if __name__ == "__main__":
    print(json.dumps(sorted({finding for path in sys.argv[1:] for finding in findings(path)})))
