"""samconfig.toml and the workflows deploy without questions, dev before prod."""

import re
import tomllib
from typing import Any

import pytest
import yaml

from local.packaging import ROOT
from tests.template.test_template import source

ENVIRONMENTS = tomllib.loads((ROOT / "samconfig.toml").read_text())
STAGES = ("default", "prod")


def workflow(name: str) -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((ROOT / f".github/workflows/{name}.yml").read_text())
    return loaded


@pytest.mark.parametrize("stage", STAGES)
def test_stage_deploys_without_a_question(stage: str):
    deploy = ENVIRONMENTS[stage]["deploy"]["parameters"]
    assert deploy["confirm_changeset"] is False
    assert deploy["fail_on_empty_changeset"] is False
    assert deploy["resolve_s3"] is True
    assert {"CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"} <= set(deploy["capabilities"].split())


def test_stages_have_stacks_of_their_own():
    names = [ENVIRONMENTS[stage]["global"]["parameters"]["stack_name"] for stage in STAGES]
    assert len(set(names)) == len(STAGES)


def test_prod_shifts_calls_gradually_and_names_parameters_of_the_template():
    pairs = ENVIRONMENTS["prod"]["deploy"]["parameters"]["parameter_overrides"].split()
    values = dict(pair.split("=") for pair in pairs)
    assert values["GradualDeployment"] == "true"
    assert values.keys() <= source()["Parameters"].keys()
    assert "DeletionProtection" not in values, "it blocks the rollback of a failed first deployment"


def test_one_build_is_deployed_to_dev_and_then_to_prod():
    jobs = workflow("deploy")["jobs"]
    assert (jobs["dev"]["needs"], jobs["prod"]["needs"]) == ("build", "dev")
    for stage, config in (("dev", "default"), ("prod", "prod")):
        assert jobs[stage]["with"] == {"environment": stage, "config": config}
        assert jobs[stage]["uses"].endswith("/.github/workflows/deploy-stage.yml")
    steps = workflow("deploy-stage")["jobs"]["deploy"]["steps"]
    assert not any("make build" in step.get("run", "") for step in steps)


@pytest.mark.parametrize(
    ("name", "job", "environment"),
    [
        ("deploy-stage", "deploy", "${{ inputs.environment }}"),
        ("release", "package", "release"),
    ],
)
def test_job_with_access_to_aws_has_an_environment_and_no_stored_key(
    name: str, job: str, environment: str
):
    found = workflow(name)["jobs"][job]
    assert found["environment"] == environment
    assert found["permissions"] == {"contents": "read", "id-token": "write"}
    assert "secrets." not in (ROOT / f".github/workflows/{name}.yml").read_text()
    (credentials,) = [s for s in found["steps"] if "configure-aws-credentials" in s.get("uses", "")]
    assert credentials["with"]["role-to-assume"] == "${{ vars.AWS_ROLE_ARN }}"


def test_actions_are_pinned_by_digest():
    for file in (ROOT / ".github/workflows").glob("*.yml"):
        for used in re.findall(r"uses: (\S+)", file.read_text()):
            assert used.startswith("$/") or re.fullmatch(r"[\w./-]+@[0-9a-f]{40}", used), used
