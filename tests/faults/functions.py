"""The functions themselves, wired to the double and to virtual time, and what kills them."""

import ssl
import traceback
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from types import SimpleNamespace
from typing import Any

import botocore.endpoint
import httpx
import pytest
from botocore.useragent import UserAgentString
from moto.dynamodb.models.table import Table
from moto.s3.models import S3Backend

from rushes import wiring
from rushes.api import auth
from rushes.aws import secrets
from rushes.catalog.models import Catalog, read_catalog
from rushes.config import settings
from rushes.errors import RushesError
from rushes.http import downloads, transport
from tests.faults.clock import Clock
from tests.faults.direct_invoke import snapshot
from tests.faults.fault_injector import DeathError, Line
from tests.faults.fault_kinds import Place
from tests.faults.machine import TaskFailedError
from tests.faults.moto_stack import ENVIRONMENT, Double
from tests.faults.plans import Plan, Running

PROVIDERS = {
    "none": "openai_compatible",
    "key": "openai_compatible",
    "lookup": "openai_with_lookup",
}
"""Named for what they have against a create call made twice; their kinds."""
IMPATIENT, PATIENT = httpx.Timeout(0.1), httpx.Timeout(20)
NAMES = ("api", "submit", "poll", "collect", "finish", "sweep")

MODEL = """
[[models]]
name = "{name}/film"
seconds = [4]
sizes = ["1280x720"]
typical_seconds = 16
price_per_job = 0.1
"""
PROVIDER = """
[providers.{name}]
protocol = "{protocol}"
idempotency = "{name}"
base_url = "http://127.0.0.1:{port}/{name}"
"""


def catalog_for(port: int) -> Catalog:
    providers = [
        PROVIDER.format(name=name, protocol=protocol, port=port)
        for name, protocol in PROVIDERS.items()
    ]
    models = [MODEL.format(name=name) for name in PROVIDERS]
    return read_catalog("\n".join(['default_model = "none/film"', *providers, *models]))


@dataclass(frozen=True)
class Context:
    """What a handler is told of the function that it runs as."""

    function_name: str = "rushes"
    memory_limit_in_mb: int = 512
    invoked_function_arn: str = "arn:aws:lambda:us-east-1:000000000000:function:rushes"
    aws_request_id: str = "7d6f2d8c-3b1c-4a52-8a3c-52c9b9a6f2e1"


class Functions:
    """`here` is the function that runs at this moment, and the plan that its faults come from."""

    def __init__(self, patch: pytest.MonkeyPatch, double: Double, line: Line, clock: Clock) -> None:
        self._patch = patch
        self._stack: list[Running] = []
        self.surprises: list[str] = []
        """What was raised that is no error of ours."""
        for name, value in ENVIRONMENT.items():
            patch.setenv(name, value)
        patch.setenv("PROVIDER_SECRET_ARN", double.secret_arn)
        self._forget()
        make: Any = wiring._client.__wrapped__
        attached = cache(lambda *facts: line.attach(make(*facts)))
        patch.setattr(wiring, "_client", attached)
        for module in (wiring, auth, secrets, downloads):
            patch.setattr(module, "time", clock)
        context = ssl.create_default_context()  # which reads a long file
        patch.setattr(ssl, "create_default_context", lambda: context)
        patch.setattr(Table, "__deepcopy__", snapshot, raising=False)
        patch.setattr(S3Backend, "urls", double.s3_urls())  # else read from its file at each call
        patch.setattr(UserAgentString, "to_string", lambda _: "rushes")  # it is slow to make
        patch.setattr(botocore.endpoint, "time", SimpleNamespace(sleep=clock.sleep))
        self._handlers = {name: import_module(f"functions.{name}.app") for name in NAMES}
        self.invocations = 0

    @staticmethod
    def _forget() -> None:
        settings.cache_clear()
        for thing in vars(wiring).values():
            if hasattr(thing, "cache_clear"):
                thing.cache_clear()

    @staticmethod
    def _die(name: str) -> None:
        """The next call finds a process that remembers nothing; boto3's clients are spared."""
        built = {"api": "endpoints", "sweep": "sweeper"}.get(name, name)
        getattr(wiring, built).cache_clear()

    def here(self) -> Running:
        return self._stack[-1]

    def be_patient(self, name: str, plan: Plan) -> None:
        """Where the upstream is going to keep silent, the call waits a moment only."""
        places: dict[str, Place] = {"submit": "create", "poll": "poll"}
        mood = plan.next_mood(places[name]) if name in places else None
        silent = mood is not None and mood.spoils == "hang"
        self._patch.setattr(transport, "TIMEOUT", IMPATIENT if silent else PATIENT)

    def run(self, name: str, event: dict[str, Any], plan: Plan) -> Any:
        """What the function answers.

        Raises
        ------
        TaskFailedError
            If it died or raised.
        """
        self.invocations += 1
        self._stack.append(Running(name, event, plan))
        try:
            return self._handlers[name].lambda_handler(event, Context())
        except DeathError:
            self._die(name)
            raise TaskFailedError("Runtime.ExitError") from None
        except Exception as error:
            if not isinstance(error, RushesError):
                self.surprises.append(f"{name}: {traceback.format_exc(limit=-4)}")
            raise TaskFailedError(type(error).__name__) from error
        finally:
            self._stack.pop()
