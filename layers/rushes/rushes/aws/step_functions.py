"""Step Functions adapter: starts and inspects executions of the state machine."""

import json
from typing import TYPE_CHECKING

from rushes.aws.errors import translate_aws_errors
from rushes.jobs.job import Job

if TYPE_CHECKING:
    from mypy_boto3_stepfunctions import SFNClient

VERSION = 1
"""Of the input format: an execution may outlive the code that started it."""


def execution_arn(state_machine: str, job: Job) -> str:
    """Return the ARN of the job's newest execution."""
    return f"{state_machine.replace(':stateMachine:', ':execution:')}:{job.execution_name}"


class StateMachine:
    def __init__(self, client: "SFNClient", arn: str) -> None:
        self._client = client
        self._arn = arn

    def start(self, job: Job) -> None:
        """Start the job's newest execution, unless it was started before."""
        ids = {name: value for name, value in job.log_fields.items() if value}
        start = {"version": VERSION, **ids}
        try:
            with translate_aws_errors():
                self._client.start_execution(
                    stateMachineArn=self._arn, name=job.execution_name, input=json.dumps(start)
                )
        except self._client.exceptions.ExecutionAlreadyExists:
            return

    def is_running(self, job: Job) -> bool | None:
        """Return None if the newest execution was never started."""
        arn = execution_arn(self._arn, job)
        try:
            with translate_aws_errors():
                reply = self._client.describe_execution(executionArn=arn)
        except self._client.exceptions.ExecutionDoesNotExist:
            return None
        return reply["status"] == "RUNNING"
