"""The deployment that a command is about: a stack on AWS, or the local stack."""

import os
import shlex
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import boto3

from cli.errors import CommandError
from cli.profiles import CHOSEN, NO_PROFILE, Profile, find_profile
from rushes.aws.config_store import ConfigStore
from rushes.aws.dynamodb.audit import AuditTable
from rushes.aws.dynamodb.jobs import JobTable
from rushes.aws.step_functions import StateMachine
from rushes.ports.audit import AuditEntry

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
    options: tuple[str, ...] = ()
    """Options that name this deployment, for the commands that a command proposes."""

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

    @property
    def executions(self) -> StateMachine:
        return StateMachine(self.client("stepfunctions"), self.state_machine)

    @cached_property
    def described(self) -> Mapping[str, Any]:
        """Return CloudFormation's description of the stack."""
        found = self.client("cloudformation").describe_stacks(StackName=self.stack)
        described: Mapping[str, Any] = found["Stacks"][0]
        return described

    @property
    def outputs(self) -> dict[str, str]:
        return {one["OutputKey"]: one["OutputValue"] for one in self.described.get("Outputs", ())}

    @property
    def parameters(self) -> dict[str, str]:
        found = self.described.get("Parameters", ())
        return {one["ParameterKey"]: one.get("ParameterValue", "") for one in found}

    def record(self, action: str, target: str, **detail: Any) -> None:  # noqa: ANN401 - JSON values
        """Add a change that the caller makes to the audit log."""
        entry = AuditEntry(time.time(), self.caller(), action, target, detail)
        AuditTable(self.client("dynamodb"), self.table).record(entry)

    def caller(self) -> str:
        """Return the ARN of the caller, for the history."""
        identity: Mapping[str, str] = self.client("sts").get_caller_identity()
        return identity["Arn"]


def find_target(stack: str | None, *, local: bool, env_file: Path | None) -> Target:
    """Return the deployment of the options, the chosen profile, RUSHES_STACK or the default one."""
    if local or env_file:
        if stack:
            raise CommandError("give either --stack or --local")
        return _local(env_file)
    variable = os.environ.get(STACK_VARIABLE)
    profile = find_profile() if CHOSEN.get() or not (stack or variable) else NO_PROFILE
    if profile.local and not stack:
        return _local(None)
    name = stack or profile.stack or variable
    if not name:
        raise CommandError(
            f"which stack? give --stack NAME, --local or --profile NAME, or set {STACK_VARIABLE}"
        )
    chosen = CHOSEN.get()
    options = ("--profile", chosen) if chosen and not stack else ("--stack", name)
    return replace(stack_target(name, profile), options=options)


def _local(env_file: Path | None) -> Target:
    options = ("--env-file", str(env_file)) if env_file else ("--local",)
    return replace(local_target(env_file or LOCAL_FILE), options=options)


def stack_target(name: str, profile: Profile = NO_PROFILE) -> Target:
    """Return a stack on AWS, by its outputs; boto3 finds what the profile does not name."""
    session = boto3.Session(profile_name=profile.aws_profile, region_name=profile.region)
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
    variables = read_variables(file)
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


def read_variables(file: Path) -> dict[str, str]:
    """Return the variables of a local stack's stack.env.

    Raises
    ------
    CommandError
    """
    try:
        lines = file.read_text().splitlines()
    except FileNotFoundError:
        raise CommandError(f"{file} does not exist: start the local stack with `make up`") from None
    pairs = (line.partition("=") for line in lines)
    variables = {name: "".join(shlex.split(value)) for name, _, value in pairs}
    if "RUSHES_PROVIDER_SECRETS" not in variables:
        raise CommandError(f"{file} is not of a local stack of this release: run `make up`")
    return variables
