"""The deployment that a command is about: a stack on AWS, or the local stack."""

import os
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3

from cli.errors import CommandError
from rushes.aws.config_store import ConfigStore
from rushes.aws.dynamodb.jobs import JobTable

ROOT = Path(__file__).resolve().parents[1]
LOCAL_FILE = ROOT / ".local/stack.env"
STACK_VARIABLE = "RUSHES_STACK"


@dataclass(frozen=True)
class Target:
    name: str
    session: boto3.Session
    bucket: str
    table: str
    secrets: str
    """Prefix of the names of the providers' secrets."""
    endpoint_url: str | None = None
    is_local: bool = False
    url: str = ""
    """Base URL of a local stack's API; that of a stack on AWS is an output."""
    state_machine: str = ""
    """ARN of the state machine that runs the jobs."""
    sandbox_url: str | None = None
    """Of a local stack: its sandbox, which serves the providers that have no other key."""

    @property
    def stack(self) -> str:
        """Name of the CloudFormation stack."""
        return self.secrets.partition("/")[0] if self.is_local else self.name

    def client(self, service: str) -> Any:  # noqa: ANN401 - stubs have one type per service
        make: Any = self.session.client
        return make(service, endpoint_url=self.endpoint_url)

    @property
    def store(self) -> ConfigStore:
        s3 = self.client("s3")
        return ConfigStore(lambda: s3, self.bucket)

    @property
    def jobs(self) -> JobTable:
        return JobTable(self.client("dynamodb"), self.table)

    def caller(self) -> str:
        """Return the ARN of the caller, for the history."""
        identity: Mapping[str, str] = self.client("sts").get_caller_identity()
        return identity["Arn"]


def find_target(stack: str | None, *, local: bool, env_file: Path | None) -> Target:
    if local or env_file:
        if stack:
            raise CommandError("give either --stack or --local")
        return local_target(env_file or LOCAL_FILE)
    name = stack or os.environ.get(STACK_VARIABLE)
    if not name:
        raise CommandError(f"which stack? give --stack NAME or --local, or set {STACK_VARIABLE}")
    return stack_target(name)


def stack_target(name: str) -> Target:
    """Return a stack on AWS, by its outputs; boto3 finds the account and region."""
    session = boto3.Session()
    make: Any = session.client
    described = make("cloudformation").describe_stacks(StackName=name)["Stacks"][0]
    found = described.get("Outputs", [])  # none while the stack is created
    outputs = {output["OutputKey"]: output["OutputValue"] for output in found}
    missing = {"BucketName", "TableName"} - outputs.keys()
    if missing:
        raise CommandError(f"stack {name} has no output {min(missing)}: is it a Rushes?")
    # A stack that is to be upgraded: keys and configuration are stored before.
    secrets = outputs.get("ProviderSecrets", f"{described['StackName']}/providers")
    return Target(
        name,
        session,
        outputs["BucketName"],
        outputs["TableName"],
        secrets,
        state_machine=outputs.get("StateMachineArn", ""),
    )


def local_target(file: Path) -> Target:
    try:
        lines = file.read_text().splitlines()
    except FileNotFoundError:
        raise CommandError(f"{file} does not exist: start the local stack with `make up`") from None
    pairs = (line.partition("=") for line in lines)
    variables = {name: "".join(shlex.split(value)) for name, _, value in pairs}
    if "RUSHES_PROVIDER_SECRETS" not in variables:
        raise CommandError(f"{file} is not of a local stack of this release: run `make up`")
    session = boto3.Session(
        variables["AWS_ACCESS_KEY_ID"],
        variables["AWS_SECRET_ACCESS_KEY"],
        region_name=variables["AWS_DEFAULT_REGION"],
    )
    return Target(
        "local",
        session,
        variables["RUSHES_BUCKET"],
        variables["RUSHES_TABLE"],
        variables["RUSHES_PROVIDER_SECRETS"],
        endpoint_url=variables["AWS_ENDPOINT_URL"],
        is_local=True,
        state_machine=variables.get("RUSHES_STATE_MACHINE", ""),
        url=variables.get("RUSHES_URL", ""),
        sandbox_url=variables["SANDBOX_URL"],
    )
