"""The resources that a deployment with given parameters has."""

from functools import cache
from typing import Any

from scripts.template_rules.resolved import Resolver
from tests.template.test_template import transformed

LOCAL = "000000000000"
"""Account of the local engine."""
USED_BY_SAM = ("GradualDeployment", "DeploymentType")
"""Parameters whose values the SAM transform uses for more than descriptions; it takes a second."""


@cache
def deployed(account: str = "111122223333", **parameters: str) -> dict[str, dict[str, Any]]:
    """Return the resources by logical id, with decided conditions and values of parameters."""
    template = transformed(**{key: parameters[key] for key in USED_BY_SAM if key in parameters})
    values = {**parameters, "AWS::AccountId": account}
    resources: dict[str, dict[str, Any]] = Resolver(template, values).template()["Resources"]
    return resources


def properties(name: str, **parameters: str) -> dict[str, Any]:
    found: dict[str, Any] = deployed(**parameters)[name]["Properties"]
    return found


def types(**parameters: str) -> set[str]:
    return {resource["Type"] for resource in deployed(**parameters).values()}
