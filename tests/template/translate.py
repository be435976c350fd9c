"""Apply the SAM transform: template on standard input, CloudFormation on standard output.

The argument, a JSON object, has values of parameters. Runs in the engine's environment.
"""

import json
import sys

from samtranslator.translator.managed_policy_translator import ManagedPolicyLoader
from samtranslator.translator.transform import transform


class NoIam:
    """Replaces the IAM client by which SAM lists the ARNs of managed policies."""

    @staticmethod
    def get_paginator(_: str) -> "NoIam":
        return NoIam()

    @staticmethod
    def paginate(**_: str) -> list[dict[str, list[dict[str, str]]]]:
        name = "AWSLambdaBasicExecutionRole"
        arn = f"arn:aws:iam::aws:policy/service-role/{name}"
        return [{"Policies": [{"PolicyName": name, "Arn": arn}]}]


values = json.loads(sys.argv[1]) if sys.argv[1:] else {}
translated = transform(json.load(sys.stdin), values, ManagedPolicyLoader(NoIam()))
json.dump(translated, sys.stdout)
