"""Count the calls to providers, for the error rate that operators see.

A process adds up its calls in memory and writes them per provider every `WRITE_SECONDS` at most, or
every `ERROR_SECONDS` if one failed: an item then gets a few writes a second, however many jobs run.
Calls that a process has not written at its end are lost, failed ones and others alike: the rate is
an estimate.
"""

from contextlib import suppress
from dataclasses import dataclass, field, replace

from rushes.errors import AwsUnavailable, UpstreamError
from rushes.jobs.result import FILTERED
from rushes.ports import Clock
from rushes.ports.provider_calls import CallCounts, FailedCall, ProviderCalls

WRITE_SECONDS, ERROR_SECONDS = 60.0, 10.0
NO_CALLS = CallCounts()
OF_THE_REQUEST = frozenset({FILTERED, "upstream_refused", "invalid_input_reference"})
"""Error codes that say nothing about the provider's health: the client's request is refused."""


@dataclass(frozen=True)
class CallCounter:
    provider_calls: ProviderCalls
    clock: Clock
    _pending: dict[str, CallCounts] = field(default_factory=dict)
    _written_at: dict[str, float] = field(default_factory=dict)

    def succeeded(self, provider: str) -> None:
        counts = self._pending.get(provider, NO_CALLS)
        self._add(provider, replace(counts, calls=counts.calls + 1))

    def failed(self, provider: str, call: str, error: UpstreamError) -> None:
        if error.error_code in OF_THE_REQUEST:
            self.succeeded(provider)
            return
        counts = self._pending.get(provider, NO_CALLS)
        latest = FailedCall(self.clock(), error.error_code, call, error.upstream_code)
        self._add(provider, CallCounts(counts.calls + 1, counts.errors + 1, latest))

    def _add(self, provider: str, counts: CallCounts) -> None:
        now = self.clock()
        self._pending[provider] = counts
        interval = ERROR_SECONDS if counts.errors else WRITE_SECONDS
        if now - self._written_at.get(provider, 0.0) < interval:
            return
        self._written_at[provider] = now
        with suppress(AwsUnavailable):  # they are written with a later call
            self.provider_calls.add(provider, counts, now)
            del self._pending[provider]
