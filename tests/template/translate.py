"""Run by the engine's interpreter: template on standard input → what CloudFormation would see."""

import json
import sys

from samtranslator.translator.managed_policy_translator import ManagedPolicyLoader
from samtranslator.translator.transform import transform


class NoIam:
    """SAM asks IAM for the ARNs of AWS's managed policies; one prefix is enough to know."""

    @staticmethod
    def get_paginator(_: str) -> "NoIam":
        return NoIam()

    @staticmethod
    def paginate(**_: str) -> list[dict[str, list[dict[str, str]]]]:
        name = "AWSLambdaBasicExecutionRole"
        arn = f"arn:aws:iam::aws:policy/service-role/{name}"
        return [{"Policies": [{"PolicyName": name, "Arn": arn}]}]


translated = transform(json.load(sys.stdin), {}, ManagedPolicyLoader(NoIam()))
json.dump(translated, sys.stdout)
