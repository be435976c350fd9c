"""Rushes on one machine: an AWS emulator with template.yaml deployed, and the sandbox.

`with Stack(folder) as stack:` starts and stops it, for tests, the demo and `local.up`.
"""

import contextlib
import fcntl
import os
import platform
import shutil
import signal
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError

from cli.config_errors import InvalidConfig
from cli.provider_secrets import KeyStore
from cli.publication import Publisher
from local.api_keys import create_keys
from local.deployment import deploy
from local.local_settings import LocalSettings
from local.packaging import LAMBDA_PYTHON, ROOT, lambda_python_version, package
from local.processes import HANG_SECONDS, Program, StartError, free_port, is_free, no_progress
from rushes.aws.config_store import ConfigStore

NAME = "rushes"
CONFIG_FILE = ROOT / "rushes.toml"
REGION = "us-east-1"
ENGINE_PYTHON = ROOT / ".local/envs/engine/bin/python"
# Variables inherited by the processes. A developer's AWS profile, proxies or provider keys must not
# reach the functions.
INHERITED = ("HOME", "LANG", "PATH", "TMPDIR")
ACCOUNTS = ("demo", "other")
SANDBOX_PROVIDERS = {
    "sandbox": "/v1",
    "sandbox-key": "/v1",
    "sandbox-lookup": "/lookup/v1",
    "sandbox-bifrost": "/bifrost/v1",
    "sandbox-runway": "/runway/v1",
    "sandbox-gemini": "/gemini/v1beta",
    "sandbox-vertex": "/vertex",
    "sandbox-minimax": "/minimax/v1",
    "sandbox-fal": "/fal",
    "sandbox-pipelet": "/pipelet/queue",
    "sandbox-replicate": "/replicate/v1",
    "sandbox-together": "/together",
    "sandbox-tiyaro": "/tiyaro",
    "together": "/together",
    "fal": "/fal",
    "runway": "/runway/v1",
    "pipelet": "/pipelet/queue",
    "tiyaro": "/tiyaro",
    "openai": "/v1",
}
"""Providers that are the sandbox, and the URL path of each one's protocol there.

Those with a vendor's name have the vendor's models, whose published schemas the sandbox enforces.
"""


@dataclass
class Stack:
    """A local stack that runs inside its `with` block."""

    folder: Path
    """Folder of state, logs and unpacked functions."""
    keep: bool = False
    """Whether the state persists between runs."""
    port: int = 0
    """Port of the HTTP API; 0 selects a free one."""
    wait_scale: str = "1"
    """Factor of the state machine's waits: "0.1" makes tests faster."""
    workers: int = 2
    """Maximum processes per function; further calls wait."""
    template: Path = ROOT / "template.yaml"
    config: Path | None = None
    """Configuration that is published; by default the repository's rushes.toml."""
    parameters: Mapping[str, str] = field(default_factory=dict)
    """Template parameters that differ from the local defaults."""
    progress: Callable[[str], None] = no_progress

    outputs: Mapping[str, str] = field(init=False, default_factory=dict)
    _settings: LocalSettings = field(init=False)
    _engine_program: Program = field(init=False)
    _programs: list[Program] = field(init=False, default_factory=list)
    _closing: contextlib.ExitStack = field(init=False, default_factory=contextlib.ExitStack)

    def __enter__(self) -> Self:
        with self._closing:
            self._start()
            self._closing = self._closing.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def engine_url(self) -> str:
        return f"http://127.0.0.1:{self._settings.engine_port}"

    @property
    def sandbox_url(self) -> str:
        return f"http://127.0.0.1:{self._settings.sandbox_port}"

    def environment(self) -> dict[str, str]:
        """Return the variables that a program needs to use this stack."""
        return {
            "RUSHES_URL": self.url,
            "RUSHES_API_KEY": self._settings.api_keys["demo"],
            "RUSHES_OTHER_API_KEY": self._settings.api_keys["other"],
            "RUSHES_TABLE": self.outputs["TableName"],
            "RUSHES_BUCKET": self.outputs["BucketName"],
            "RUSHES_BUS": self.outputs["BusName"],
            "RUSHES_STATE_MACHINE": self.outputs["StateMachineArn"],
            "RUSHES_PROVIDER_SECRETS": self.outputs["ProviderSecrets"],
            "SANDBOX_URL": self.sandbox_url,
            "SANDBOX_API_KEY": self._settings.sandbox_api_key,
            **self._aws_environment(),
        }

    def session(self) -> boto3.Session:
        """Return a session with the rights of the account's root user."""
        return boto3.Session(
            self._settings.access_key_id, self._settings.secret_access_key, region_name=REGION
        )

    @property
    def engine_process_id(self) -> int:
        return self._engine_program.process_id

    def restart_engine(self, number: signal.Signals = signal.SIGTERM) -> None:
        """Stop the engine by a signal and start it again; without `keep` its state is lost."""
        self._engine_program.stop(number)
        self._programs.remove(self._engine_program)
        self._start_engine()

    def check(self) -> None:
        """Raise StartError if a process of the stack has ended."""
        for program in self._programs:
            program.check()

    def _start(self) -> None:
        if self.port and not is_free(self.port):
            raise StartError(f"port {self.port} is in use; stop its process or set PORT")
        self._prepare_folder()
        self.port = self.port or free_port()
        self._settings = LocalSettings.load(self.folder / "settings.json")
        # Processes stop in reverse order: the engine's last calls still reach the sandbox.
        self.progress("starting the sandbox, a local video provider")
        sandbox = self._start_sandbox()
        self.progress(f"starting the AWS emulator; functions run on {lambda_python_version()}")
        self._start_engine()
        try:
            self._deploy()
        except BotoCoreError:
            self.check()  # a process that has ended is the reason, and its log names the cause
            raise
        if self.keep:
            self.progress("saving the deployment")
            self._engine_program.post(self._settings.engine_port, "/_local/save")
        sandbox.wait_until_healthy(self._settings.sandbox_port, "/health", self.progress)
        self._settings.save(self.folder / "settings.json")

    def _start_sandbox(self) -> Program:
        port, key = str(self._settings.sandbox_port), self._settings.sandbox_api_key
        command: list[str | Path] = [sys.executable, ROOT / "sandbox/__main__.py", "--port", port]
        return self._run("sandbox", command, {"SANDBOX_API_KEY": key, "PYTHONPATH": str(ROOT)})

    def _start_engine(self) -> None:
        command: list[str | Path] = [ENGINE_PYTHON, ROOT / "local/engine.py"]
        self._engine_program = self._run("engine", command, self._engine_environment())
        port = self._settings.engine_port
        self._engine_program.wait_until_healthy(port, "/_ministack/health", self.progress)

    def _prepare_folder(self) -> None:
        self.folder = self.folder.resolve()
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        # The lock file is beside the folder, which may be emptied.
        lock = self._closing.enter_context(
            self.folder.with_name(f"{self.folder.name}.lock").open("w")
        )
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise StartError(f"another local stack is using {self.folder}") from None
        if not self.keep:
            shutil.rmtree(self.folder)
            self.folder.mkdir(mode=0o700)
        for log in self.folder.glob("*.log"):
            log.unlink()

    def _run(self, name: str, command: list[str | Path], environment: dict[str, str]) -> Program:
        inherited = {key: os.environ[key] for key in INHERITED if key in os.environ}
        program = Program(name, command, inherited | environment, self.folder / f"{name}.log")
        self._closing.callback(program.stop)
        self._programs.append(program)
        return program

    def _engine_environment(self) -> dict[str, str]:
        environment = {
            "AUTH": "true",
            "AWS_ACCESS_KEY_ID": self._settings.access_key_id,
            "AWS_SECRET_ACCESS_KEY": self._settings.secret_access_key,
            "FRONT_PORT": str(self.port),
            "GATEWAY_PORT": str(self._settings.engine_port),
            "LAMBDA_PYTHON": str(LAMBDA_PYTHON),
            "LAMBDA_WORKERS": str(self.workers),
            "LOG_LEVEL": "WARNING",
            "SFN_WAIT_SCALE": self.wait_scale,
            "WORK_DIR": str(self.folder / "functions"),
        }
        if self.keep:
            environment["PERSIST_STATE"] = environment["S3_PERSIST"] = "1"
            environment["STATE_DIR"] = str(self.folder / "services")
            environment["S3_DATA_DIR"] = str(self.folder / "objects")
        return environment

    def _aws_environment(self) -> dict[str, str]:
        return {
            "AWS_ENDPOINT_URL": self.engine_url,
            "AWS_ACCESS_KEY_ID": self._settings.access_key_id,
            "AWS_SECRET_ACCESS_KEY": self._settings.secret_access_key,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_REGION": REGION,
        }

    def _deploy(self) -> None:
        session = self.session()
        url = self.engine_url
        direct = Config(
            proxies={},
            retries={"total_max_attempts": 1},  # a failure is a bug
            read_timeout=HANG_SECONDS,
        )
        self.progress("building and uploading the layers and functions")
        s3 = session.client("s3", endpoint_url=url, config=direct)
        template_url = package(self.template, s3)
        self.progress(f"deploying {self.template.name}")
        cloudformation = session.client("cloudformation", endpoint_url=url, config=direct)
        self.outputs = deploy(cloudformation, NAME, template_url, self._parameters())
        secrets = session.client("secretsmanager", endpoint_url=url, config=direct)
        self._store_provider_keys(KeyStore(secrets, self.outputs["ProviderSecrets"]))
        self._publish(ConfigStore(lambda: s3, self.outputs["BucketName"]))
        if self._settings.api_id != self.outputs["ApiId"]:
            dynamodb = session.client("dynamodb", endpoint_url=url, config=direct)
            keys = create_keys(dynamodb, self.outputs["TableName"], ACCOUNTS)
            self._settings.api_keys, self._settings.api_id = keys, self.outputs["ApiId"]

    def _store_provider_keys(self, keys: KeyStore) -> None:
        """Store the sandbox's URL and key, for each provider that has no other key."""
        key = self._settings.sandbox_api_key
        for name, path in SANDBOX_PROVIDERS.items():
            if keys.get_key(name) in (None, key):
                keys.set_key(name, key, self.sandbox_url + path)

    def _publish(self, store: ConfigStore) -> None:
        """Publish the configuration as `rushes config push` does."""
        file = self.config or CONFIG_FILE
        try:
            published = Publisher(store, "local stack").push(file.read_text("utf-8"))
        except InvalidConfig as error:
            errors = "".join(f"\n{file}:{problem}" for problem in error.problems)
            raise StartError(f"the configuration is invalid:{errors}") from None
        self.progress(f"version {published.number} of the configuration is in force")

    def _parameters(self) -> dict[str, str]:
        arm = platform.machine().lower() in ("arm64", "aarch64")
        return {
            "PublicUrl": self.url,
            "Architecture": "arm64" if arm else "x86_64",
            "CreatesPerMinute": "0",  # the tests create jobs faster than the default allows
            **self.parameters,
        }
