"""The real functions, wired to moto and virtual time."""

import ssl
import traceback
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

from rushes.api import auth
from rushes.aws import secrets
from rushes.aws.dynamodb import due_index
from rushes.catalog.models import Catalog, read_catalog
from rushes.errors import RushesError
from rushes.http import downloads, transport
from rushes.wiring import api, aws, sweep, workflow
from rushes.workflow.sweeper import one_by_one
from tests.faults.clock import Clock
from tests.faults.fault_injector import CrashError, FaultInjector
from tests.faults.fault_kinds import Place
from tests.faults.moto_speed import snapshot
from tests.faults.moto_stack import ENVIRONMENT, MotoStack
from tests.faults.plans import Plan, Running
from tests.lambda_context import InvocationContext
from tests.machine import TaskFailedError
from tests.wiring_caches import clear_wiring

PROVIDERS = {
    "none": "openai_compatible",
    "key": "openai_compatible",
    "lookup": "openai_with_lookup",
}
"""Protocols by provider; the provider is named after its idempotency capability."""
SHORT_TIMEOUT, LONG_TIMEOUT = httpx.Timeout(20, read=0.1), httpx.Timeout(20)
NAMES = ("api", "submit", "poll", "collect", "finish", "sweep")

PROVIDER = """
[providers.{name}]
protocol = "{protocol}"
idempotency = "{name}"
base_url = "http://127.0.0.1:{port}/{name}"
[[models]]
name = "{name}/video"
seconds = [4]
sizes = ["1280x720"]
typical_seconds = 16
price_per_job = 0.1
"""


def catalog_for(port: int) -> Catalog:
    providers = [
        PROVIDER.format(name=name, protocol=protocol, port=port)
        for name, protocol in PROVIDERS.items()
    ]
    return read_catalog("\n".join(['default_model = "none/video"', *providers]))


class Functions:
    """Runs handlers; `here` returns the running function and its fault plan."""

    def __init__(
        self,
        patch: pytest.MonkeyPatch,
        moto_stack: MotoStack,
        injector: FaultInjector,
        clock: Clock,
    ) -> None:
        self._patch = patch
        self._stack: list[Running] = []
        self.unexpected_errors: list[str] = []
        """Tracebacks of exceptions other than RushesError."""
        for name, value in ENVIRONMENT.items():
            patch.setenv(name, value)
        clear_wiring()
        make: Any = aws.client.__wrapped__
        attached = cache(lambda *fields: injector.attach(make(*fields)))
        patch.setattr(aws, "client", attached)
        patch.setattr(workflow, "client", attached)
        for module in (api, sweep, workflow, auth, secrets, downloads):
            patch.setattr(module, "time", clock)
        for module in (sweep, due_index):  # the faults of a plan have an order
            patch.setattr(module, "in_threads", one_by_one)
        context = ssl.create_default_context()  # creating one reads a long file
        patch.setattr(ssl, "create_default_context", lambda: context)
        patch.setattr(Table, "__deepcopy__", snapshot, raising=False)
        patch.setattr(S3Backend, "urls", moto_stack.s3_urls())  # else each call reads its file
        patch.setattr(UserAgentString, "to_string", lambda _: "rushes")  # slow to build
        patch.setattr(botocore.endpoint, "time", SimpleNamespace(sleep=clock.sleep))
        self._handlers = {name: import_module(f"functions.{name}.app") for name in NAMES}
        self.invocations = 0

    @staticmethod
    def _restart_process(name: str) -> None:
        """Clear the function's cached objects as a new process would; boto3's clients stay."""
        built = {"api": api.jobs_api, "sweep": sweep.job_sweeper}.get(name)
        aws.aws.cache_clear()
        (built or getattr(workflow, name)).cache_clear()

    def here(self) -> Running:
        return self._stack[-1]

    def set_timeout(self, name: str, plan: Plan) -> None:
        """Use a short HTTP timeout if the next planned fault is a hanging upstream."""
        places: dict[str, Place] = {"submit": "create", "poll": "poll"}
        fault = plan.next_upstream_fault(places[name]) if name in places else None
        silent = fault is not None and fault.corruption == "hang"
        self._patch.setattr(transport, "TIMEOUT", SHORT_TIMEOUT if silent else LONG_TIMEOUT)

    def run(self, name: str, event: dict[str, Any], plan: Plan) -> Any:
        """Invoke the function.

        Raises
        ------
        TaskFailedError
            If it crashed or raised.
        """
        self.invocations += 1
        self._stack.append(Running(name, event, plan))
        try:
            return self._handlers[name].lambda_handler(event, InvocationContext())
        except CrashError:
            self._restart_process(name)
            raise TaskFailedError("Runtime.ExitError") from None
        except Exception as error:
            if not isinstance(error, RushesError):
                self.unexpected_errors.append(f"{name}: {traceback.format_exc(limit=-4)}")
            raise TaskFailedError(type(error).__name__) from error
        finally:
            self._stack.pop()
