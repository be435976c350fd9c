"""The native API on the in-memory adapters of the corpora, with a key that has every scope."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import pytest

from rushes.api.auth import Authenticator
from rushes.api.native.dispatcher import NativeApi
from rushes.api.native.routes import ROUTES
from rushes.api.provider_control.service import ProviderControl
from rushes.api.usage.service import UsageService
from rushes.jobs.result import JobError
from rushes.jobs.status import JobStatus
from rushes.ports.api_keys import Scope
from rushes.wiring import api as api_wiring
from tests.fakes import FakeProviderCalls, FakeRateLimits
from tests.security.corpora.api import Api, running_api
from tests.unit.api.native.native_caller import Services

FAILURE = JobError(code="content_filtered", message="the prompt was refused")


class AllServices(Services):
    def __init__(self, caller: Any) -> None:
        super().__init__(caller)
        registry = caller.keys.accounts
        self.usage = UsageService(self.search, registry, caller.clock)
        state = (FakeRateLimits(), FakeProviderCalls(), caller.jobs, self.catalogs)
        ports: Any = (*state, self.audit, caller.clock)
        self.providers = ProviderControl(*ports)


@dataclass(frozen=True)
class Apis:
    """`ended_jobs` are ids of a failed and a cancelled job of the caller."""

    api: Api
    ended_jobs: tuple[str, ...]


@contextmanager
def running_apis() -> Iterator[Apis]:
    with running_api() as api, pytest.MonkeyPatch.context() as patch:
        keys = api.jobs.keys
        key = keys.rows[api.caller.key.split("_")[1]]
        keys.add(replace(key, scopes=frozenset(Scope)))
        native = NativeApi(ROUTES, AllServices(api.jobs), Authenticator(keys))
        patch.setattr(api_wiring, "native_api", lambda: native)
        failed = api.jobs.finished_job(JobStatus.FAILED, FAILURE)
        cancelled = api.jobs.finished_job(JobStatus.CANCELLED)
        api.remember()
        yield Apis(api, (failed, cancelled))
