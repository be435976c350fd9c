"""docs/emulator.md is current, and each difference is covered."""

import json
import re
from typing import Any

import pytest

from local.packaging import ROOT
from tests.harness import Harness
from tests.probes import table
from tests.probes.probe import Probe
from tests.template.test_template import translated

PLACES = ("tests", "layers/rushes/rushes", "docs", "local", "")
DIFFERENCES = [probe for probe in table.probes() if probe.differs]


def test_emulator_page_matches_the_probes():
    assert table.FILE.read_text("utf-8") == table.text(), "run `python -m tests.probes.table`"


def test_probes_have_unique_questions():
    questions = [(probe.service, probe.question) for probe in table.probes()]
    assert len(set(questions)) == len(questions)


@pytest.mark.parametrize("probe", DIFFERENCES, ids=lambda probe: probe.name)
def test_difference_names_existing_files_that_cover_it(probe: Probe):
    assert probe.engine != probe.aws
    assert probe.covered
    for name in re.findall(r"[\w/]+\.(?:py|md)", probe.covered):
        assert any((ROOT / place / name).is_file() for place in PLACES), name


def test_queue_visibility_timeout_covers_function_timeout():
    for mapping in of_type("AWS::Lambda::EventSourceMapping").values():
        queue = resource_of(mapping["EventSourceArn"])["Properties"]
        function = resource_of(mapping["FunctionName"])["Properties"]
        assert queue["VisibilityTimeout"] >= function["Timeout"]


def test_fifo_queue_has_fifo_dead_letter_queue():
    for queue in of_type("AWS::SQS::Queue").values():
        if "RedrivePolicy" in queue:
            dead = resource_of(queue["RedrivePolicy"]["deadLetterTargetArn"])["Properties"]
            assert queue.get("FifoQueue", False) == dead.get("FifoQueue", False)


def test_queue_policy_allows_every_rule_with_this_target():
    for name, rule in of_type("AWS::Events::Rule").items():
        for target in rule["Targets"]:
            places = [target["Arn"], target.get("DeadLetterConfig", {}).get("Arn")]
            for queue in (place for place in places if place and is_queue(place)):
                assert (name, json.dumps(queue)) in allowed_senders()


def of_type(kind: str) -> dict[str, dict[str, Any]]:
    resources = translated().items()
    return {name: found["Properties"] for name, found in resources if found["Type"] == kind}


def resource_of(reference: dict[str, Any]) -> dict[str, Any]:
    """Return the resource of a Ref or a GetAtt; the function of an alias."""
    name = reference["Ref"] if "Ref" in reference else reference["Fn::GetAtt"][0]
    found = translated()[name]
    if found["Type"] == "AWS::Lambda::Alias":
        return resource_of(found["Properties"]["FunctionName"])
    return found


def is_queue(reference: dict[str, Any]) -> bool:
    return "Fn::GetAtt" in reference and resource_of(reference)["Type"] == "AWS::SQS::Queue"


def allowed_senders() -> set[tuple[str, str]]:
    """Return pairs of rule and queue that the queue policies allow."""
    found = set()
    for policy in of_type("AWS::SQS::QueuePolicy").values():
        statements = policy["PolicyDocument"]["Statement"]
        for statement in (one for one in statements if one.get("Effect") == "Allow"):
            assert statement["Principal"] == {"Service": "events.amazonaws.com"}
            assert statement["Action"] == "sqs:SendMessage"
            (source,) = statement["Condition"]["ArnEquals"].values()
            rule = source["Fn::GetAtt"][0]
            found |= {(rule, json.dumps(queue)) for queue in statement["Resource"]}
    return found


def test_execution_name_fits_step_functions():
    """Step Functions accepts up to 80 of these characters; the engine accepts any name."""
    job = Harness().accepted().model_copy(update={"executions": 10_000_000})
    assert re.fullmatch(r"[A-Za-z0-9_-]{1,80}", job.execution_name)
