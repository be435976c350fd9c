"""What is written down of the engine's differences is so: the table, and what covers each."""

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


def test_the_table_is_what_the_probes_say():
    assert table.FILE.read_text("utf-8") == table.text(), "run `python -m tests.probes.table`"


def test_each_question_is_asked_once():
    questions = [(probe.service, probe.question) for probe in table.probes()]
    assert len(set(questions)) == len(questions)


@pytest.mark.parametrize("probe", DIFFERENCES, ids=lambda probe: probe.name)
def test_a_difference_is_one_and_somebody_sees_to_it(probe: Probe):
    assert probe.engine != probe.aws
    assert probe.covered
    for name in re.findall(r"[\w/]+\.(?:py|md)", probe.covered):
        assert any((ROOT / place / name).is_file() for place in PLACES), name


def test_a_queue_hides_a_message_for_as_long_as_its_function_may_take():
    for mapping in of_type("AWS::Lambda::EventSourceMapping").values():
        queue = resource_of(mapping["EventSourceArn"])["Properties"]
        function = resource_of(mapping["FunctionName"])["Properties"]
        assert queue["VisibilityTimeout"] >= function["Timeout"]


def test_the_dead_letters_of_a_fifo_queue_go_to_one_and_no_others_do():
    for queue in of_type("AWS::SQS::Queue").values():
        if "RedrivePolicy" in queue:
            dead = resource_of(queue["RedrivePolicy"]["deadLetterTargetArn"])["Properties"]
            assert queue.get("FifoQueue", False) == dead.get("FifoQueue", False)


def test_a_queue_lets_every_rule_in_that_leads_to_it_or_gives_its_dead_letters_to_it():
    for name, rule in of_type("AWS::Events::Rule").items():
        for target in rule["Targets"]:
            places = [target["Arn"], target.get("DeadLetterConfig", {}).get("Arn")]
            for queue in (it for it in places if it and is_queue(it)):
                assert (name, json.dumps(queue)) in let_in()


def of_type(kind: str) -> dict[str, dict[str, Any]]:
    found = translated().items()
    return {name: it["Properties"] for name, it in found if it["Type"] == kind}


def resource_of(reference: dict[str, Any]) -> dict[str, Any]:
    """What a Ref or a GetAtt of the template leads to."""
    name = reference["Ref"] if "Ref" in reference else reference["Fn::GetAtt"][0]
    return translated()[name]


def is_queue(reference: dict[str, Any]) -> bool:
    return "Fn::GetAtt" in reference and resource_of(reference)["Type"] == "AWS::SQS::Queue"


def let_in() -> set[tuple[str, str]]:
    """Which rules may send to which queues."""
    found = set()
    for policy in of_type("AWS::SQS::QueuePolicy").values():
        for statement in policy["PolicyDocument"]["Statement"]:
            assert statement["Principal"] == {"Service": "events.amazonaws.com"}
            assert statement["Action"] == "sqs:SendMessage"
            (source,) = statement["Condition"]["ArnEquals"].values()
            rule = source["Fn::GetAtt"][0]
            found |= {(rule, json.dumps(queue)) for queue in statement["Resource"]}
    return found


def test_an_execution_of_a_job_never_has_a_name_too_long():
    """Step Functions takes 80 characters, of these; the engine takes anything."""
    job = Harness().accepted().model_copy(update={"executions": 10_000_000})
    assert re.fullmatch(r"[A-Za-z0-9_-]{1,80}", job.execution_name)
