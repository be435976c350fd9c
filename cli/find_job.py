"""Find a job by its id alone. The table's keys begin with the account."""

import json

from botocore.exceptions import ClientError

from cli.account_names import account_names
from cli.errors import NO, CommandError
from cli.target import Target
from rushes.jobs.job import Job

ABSENT = ("ExecutionDoesNotExist", "InvalidArn", "InvalidName")


def find_job(target: Target, job_id: str, account: str | None = None) -> Job:
    """Return a job of any account, a deleted one too.

    Without an account it is read from the input of the job's first execution, which Step Functions
    keeps for 90 days; then the accounts of the deployment are tried one after another.

    Raises
    ------
    CommandError
    """
    accounts = [account] if account else [*_of_execution(target, job_id), *account_names(target)]
    for name in dict.fromkeys(accounts):
        if job := target.jobs.get(name, job_id):
            return job
    if account:
        raise CommandError(f"job {job_id} of account {account} not found", NO)
    raise CommandError(f"job {job_id} not found", NO)


def _of_execution(target: Target, job_id: str) -> list[str]:
    arn = f"{target.state_machine.replace(':stateMachine:', ':execution:')}:{job_id}"
    try:
        found = target.client("stepfunctions").describe_execution(executionArn=arn)
    except ClientError as error:
        if error.response["Error"]["Code"] in ABSENT:
            return []
        raise
    return [json.loads(found["input"])["account"]]
