"""A stack on AWS in this process, as the commands find it by its name."""

import json
import time
from pathlib import Path
from typing import Any

import boto3
from typer.testing import Result

from cli.publication import Publisher
from cli.target import Target, stack_target
from rushes.aws.dynamodb.accounts import AccountTable
from rushes.aws.dynamodb.provider_limits import RateLimitTable
from rushes.jobs.job import Job
from rushes.jobs.job_id import new_id
from rushes.jobs.request import GenerationRequest
from rushes.ports.accounts import Account
from rushes.ports.audit import AuditEntry
from rushes.ports.providers import RateLimit
from tests.faults.moto_stack import ENVIRONMENT, MotoStack
from tests.unit.cli.test_app import run
from tests.unit.jobs.plain_job import plain_job

CONFIG = """\
default_model = "fal/one"
[providers.fal]
protocol = "openai_compatible"
base_url = "https://fal.example/v1"
[providers.spare]
protocol = "openai_compatible"
base_url = "https://spare.example/v1"
[[models]]
name = "fal/one"
upstream_model = "one"
seconds = [4]
price_per_second = 0.1
price_source = "invented"
[[models]]
name = "spare/one"
upstream_model = "one"
seconds = [4]
price_per_second = 0.1
price_source = "invented"
"""
ACCOUNTS = ("flood", "team")
QUEUES = {
    "EventQueueUrl": "events",
    "EventDeadLetterQueueUrl": "events-dead",
    "DeliveryQueueUrl": "deliveries.fifo",
    "DeliveryDeadLetterQueueUrl": "deliveries-dead.fifo",
}


class DrillStack:
    """Two accounts, two providers and their models; nothing is wrong yet."""

    def __init__(self, stack: MotoStack, folder: Path) -> None:
        stack.reset()
        self.moto, self.folder, self.now = stack, folder, time.time()
        self._deploy(self._queues())
        self.target: Target = stack_target("rushes")
        self.jobs = self.target.jobs
        self.limits = RateLimitTable(self.client("dynamodb"), self.target.table)
        self.write(CONFIG)
        Publisher(self.target.store, "test").push(CONFIG)
        accounts = AccountTable(self.client("dynamodb"), self.target.table)
        for name in ACCOUNTS:
            entry = AuditEntry(self.now, "test", "account.create", f"account:{name}")
            accounts.create(Account(name, self.now), entry)

    def client(self, service: str) -> Any:
        make: Any = boto3.client
        return make(service)

    def write(self, text: str) -> None:
        (self.folder / "rushes.toml").write_text(text)

    def run(self, line: str) -> Result:
        """Run a command line of the drills."""
        words = line.split()
        assert words[0] == "rushes"
        return run(*words[1:])

    def json(self, line: str, code: int = 0) -> Any:
        result = self.run(f"{line} --json")
        assert result.exit_code == code, result.output + result.stderr
        return json.loads(result.stdout)

    def add(self, account: str = "team", number: int = 0, **fields: Any) -> Job:
        """Store an open job of provider fal, with an execution that runs."""
        moment = self.now + number / 1000
        times = {"created_at": moment, "updated_at": moment, "deadline_at": self.now + 3600}
        request = GenerationRequest(model="fal/one", prompt="a red ball", seconds=4)
        names = {"provider": "fal", "model": "fal/one", "account": account, "request": request}
        job = plain_job(**{**times, **names, "id": new_id(moment, f"{number:020x}"), **fields})
        self.jobs.add(job)
        self.target.executions.start(job)
        self.moto.set_execution_status(job.execution_name, "RUNNING")
        return job

    def find(self, job: Job) -> Job:
        found = self.jobs.get(job.account, job.id)
        assert found is not None
        return found

    def limit(self, provider: str, limit: RateLimit) -> None:
        self.limits.decide(provider, lambda _: (limit, None))

    def actions(self) -> list[str]:
        """Return the actions of the commands in the audit log, the oldest first."""
        entries = self.json("rushes audit --stack rushes --limit 100")
        return [entry["action"] for entry in reversed(entries) if entry["actor"] != "test"]

    def _queues(self) -> dict[str, str]:
        sqs = self.client("sqs")
        fifo = {"FifoQueue": "true"}
        return {
            output: sqs.create_queue(
                QueueName=name, Attributes=fifo if name.endswith(".fifo") else {}
            )["QueueUrl"]
            for output, name in QUEUES.items()
        }

    def _deploy(self, queues: dict[str, str]) -> None:
        outputs = {
            "BucketName": ENVIRONMENT["BUCKET_NAME"],
            "TableName": ENVIRONMENT["TABLE_NAME"],
            "StateMachineArn": ENVIRONMENT["STATE_MACHINE_ARN"],
            "ProviderSecrets": "rushes/providers",
            "ApiUrl": "https://rushes.example",
            **queues,
        }
        template = {
            "Parameters": {"DailyDollars": {"Type": "Number", "Default": 0}},
            "Resources": {"Topic": {"Type": "AWS::SNS::Topic"}},
            "Outputs": {name: {"Value": value} for name, value in outputs.items()},
        }
        self.client("cloudformation").create_stack(
            StackName="rushes", TemplateBody=json.dumps(template)
        )
