"""`./rushes doctor` on the local stack: every check has an answer, and what is broken is found."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from local.packaging import ROOT
from local.stack import NAME, Stack
from local.up import write_environment
from tests.e2e.programs import run

Answers = dict[str, dict[str, str]]
Aws = Callable[[str], Any]
Restore = Callable[[], object]


@pytest.fixture
def doctor(stack: Stack, tmp_path: Path) -> Callable[..., Answers]:
    """Run the command; return its answers by check."""
    file = tmp_path / "stack.env"
    write_environment(file, stack.environment())

    def examine(*arguments: str, code: int) -> Answers:
        command = [sys.executable, "-m", "cli", "doctor", "--env-file", str(file), "--json"]
        done = subprocess.run(
            [*command, *arguments],
            cwd=ROOT,
            env={"HOME": str(tmp_path), "RUSHES_API_KEY": stack.environment()["RUSHES_API_KEY"]},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == code, done.stdout + done.stderr
        return {answer["check"]: answer for answer in json.loads(done.stdout)}

    return examine


def test_every_check_is_answered(doctor: Callable[..., Answers]):
    """The repository's rushes.toml has a provider whose secret is for the reader to set."""
    answers = doctor("--active", code=1)
    assert len(answers) >= 50
    assert all(answer["reason"] for answer in answers.values())
    failed = {name: one["reason"] for name, one in answers.items() if one["status"] == "fail"}
    assert failed == {"providers.secrets": "vllm has no secret"}
    assert [one["status"] for one in answers.values()].count("pass") >= 30
    assert answers["active.job"]["status"] == answers["active.download"]["status"] == "pass"


def test_printed_table(stack: Stack):
    aws = {name: value for name, value in stack.environment().items() if name.startswith("AWS_")}
    output = run(f"./rushes doctor --stack {NAME} --only queues", ROOT, aws)
    assert "queues.dead_letters" in output
    assert "4 pass, 0 fail, 0 cannot tell" in output


def dead_letter(stack: Stack, aws: Aws) -> Restore:
    sqs, queue = aws("sqs"), {"QueueUrl": stack.outputs["EventDeadLetterQueueUrl"]}
    sqs.send_message(**queue, MessageBody="{}")
    return lambda: sqs.purge_queue(**queue)


def no_redrive(stack: Stack, aws: Aws) -> Restore:
    sqs, queue = aws("sqs"), {"QueueUrl": stack.outputs["DeliveryQueueUrl"]}
    name = "RedrivePolicy"
    before = sqs.get_queue_attributes(**queue, AttributeNames=[name])["Attributes"]
    sqs.set_queue_attributes(**queue, Attributes={name: ""})
    return lambda: sqs.set_queue_attributes(**queue, Attributes=before)


def no_schedule(stack: Stack, aws: Aws) -> Restore:  # noqa: ARG001 - as the others
    events = aws("events")
    resources = aws("cloudformation").list_stack_resources(StackName=NAME)
    (rule,) = (
        one["PhysicalResourceId"]
        for one in resources["StackResourceSummaries"]
        if one["LogicalResourceId"] == "SweepFunctionEveryMinute"
    )
    events.disable_rule(Name=rule)
    return lambda: events.enable_rule(Name=rule)


def invalid_secret(stack: Stack, aws: Aws) -> Restore:
    secrets, name = aws("secretsmanager"), f"{stack.outputs['ProviderSecrets']}/sandbox-runway"
    before = secrets.get_secret_value(SecretId=name)["SecretString"]
    secrets.put_secret_value(SecretId=name, SecretString="not JSON")
    return lambda: secrets.put_secret_value(SecretId=name, SecretString=before)


def public_bucket(stack: Stack, aws: Aws) -> Restore:
    s3, bucket = aws("s3"), {"Bucket": stack.outputs["BucketName"]}
    name = "PublicAccessBlockConfiguration"
    before = s3.get_public_access_block(**bucket)[name]
    s3.delete_public_access_block(**bucket)
    return lambda: s3.put_public_access_block(**bucket, **{name: before})


def unreadable_configuration(stack: Stack, aws: Aws) -> Restore:
    s3, pointer = aws("s3"), {"Bucket": stack.outputs["BucketName"], "Key": "config/current.json"}
    before = s3.get_object(**pointer)["Body"].read()
    s3.put_object(**pointer, Body=b"{}")
    return lambda: s3.put_object(**pointer, Body=before)


BROKEN: dict[str, Callable[[Stack, Aws], Restore]] = {
    "queues.dead_letters": dead_letter,
    "queues.redrive": no_redrive,
    "sweeper.schedule": no_schedule,
    "providers.secrets": invalid_secret,
    "providers.configuration": unreadable_configuration,
    "bucket.public_access": public_bucket,
}


@pytest.mark.parametrize("check", BROKEN)
def test_what_is_broken_is_found(
    check: str, stack: Stack, aws: Aws, doctor: Callable[..., Answers]
):
    restore = BROKEN[check](stack, aws)
    try:
        found = doctor("--only", check, code=1)[check]
    finally:
        restore()
    assert found["status"] == "fail"
    assert found["fix"]
    if check == "providers.secrets":
        assert "sandbox-runway" in found["reason"]
    else:
        assert doctor("--only", check, code=0)[check]["status"] == "pass"
