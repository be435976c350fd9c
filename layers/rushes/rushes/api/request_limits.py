"""Limits on calls in fixed windows of time: create calls per account, invalid keys per network.

A counted call costs one write. A full window is remembered in the function's memory, so that the
calls above the limit cost nothing. Each other warm function learns of it at its next counted call.
"""

import ipaddress
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from rushes.errors import AwsUnavailable, RateLimited, TooManyFailedKeys
from rushes.ports import Clock
from rushes.ports.counters import Counters

CREATE_SECONDS = 10
FAILED_KEY_SECONDS = 60
MAX_FAILED_KEYS = 20
"""Invalid API keys of one network in `FAILED_KEY_SECONDS`."""
MAX_REMEMBERED = 10_000
"""Windows in the function's memory."""
IPV6_PREFIX = 64
"""Bits that identify a network: a client may use any address in it."""


@dataclass(frozen=True)
class Window:
    """The calls of one name in the current window."""

    used: int
    limit: int
    seconds: int
    seconds_left: int

    @property
    def is_full(self) -> bool:
        return self.used >= self.limit


@dataclass
class WindowCounter:
    """Counts the calls of each name in windows of `seconds`; `family` begins their names."""

    counters: Counters
    clock: Clock
    family: str
    limit: int
    seconds: int
    _used: dict[tuple[str, int], int] = field(default_factory=dict)

    def window(self, name: str) -> Window:
        """Return the window as this function knows it; other functions may have counted more."""
        return self._window(self._used.get((name, self._number()), 0))

    def add(self, name: str) -> Window:
        """Count a call, also one above the limit."""
        number = self._number()
        expires_at = (number + 2) * self.seconds
        used = self.counters.add(f"{self.family}#{name}#{number}", expires_at)
        if len(self._used) >= MAX_REMEMBERED:
            self._used.clear()
        self._used[name, number] = used
        return self._window(used)

    def _number(self) -> int:
        return int(self.clock() // self.seconds)

    def _window(self, used: int) -> Window:
        left = self.seconds - int(self.clock() % self.seconds)
        return Window(used, self.limit, self.seconds, max(left, 1))


class CreateLimiter:
    """At most `per_minute / 6` create calls of an account, rounded up, in windows of 10 seconds."""

    def __init__(self, counters: Counters, clock: Clock, per_minute: int) -> None:
        limit = -(-per_minute * CREATE_SECONDS // 60)
        self._windows = WindowCounter(counters, clock, "CREATES", limit, CREATE_SECONDS)

    def admit(self, account: str) -> None:
        """Count a create call.

        Raises
        ------
        RateLimited
            If the window is full.
        """
        window = self._windows.window(account)
        if window.is_full or (window := self._windows.add(account)).used > window.limit:
            raise RateLimited(
                f"the account may create {window.limit} jobs in {window.seconds} s;"
                f" retry in {window.seconds_left} s",
                retry_after=window.seconds_left,
            )

    def headers(self, account: str) -> dict[str, str]:
        """Return the limit and the calls left (draft-ietf-httpapi-ratelimit-headers-10)."""
        window = self._windows.window(account)
        left = max(window.limit - window.used, 0)
        return {
            "ratelimit-policy": f'"creates";q={window.limit};w={window.seconds}',
            "ratelimit": f'"creates";r={left};t={window.seconds_left}',
        }


class FailedKeyLimiter:
    """At most 20 invalid API keys of a network per minute; then none is looked up."""

    def __init__(self, counters: Counters, clock: Clock) -> None:
        self._windows = WindowCounter(
            counters, clock, "FAILED_KEYS", MAX_FAILED_KEYS, FAILED_KEY_SECONDS
        )

    def check(self, source_ip: str) -> None:
        """Raise TooManyFailedKeys if the network has sent too many invalid keys."""
        window = self._windows.window(network_of(source_ip))
        if window.is_full:
            raise TooManyFailedKeys(
                f"too many invalid API keys; retry in {window.seconds_left} s",
                retry_after=window.seconds_left,
            )

    def count(self, source_ip: str) -> None:
        """Count an invalid key; one that cannot be counted is refused all the same."""
        with suppress(AwsUnavailable):
            self._windows.add(network_of(source_ip))


def network_of(source_ip: str) -> str:
    """Return an IPv4 address, or the /64 network of an IPv6 address."""
    try:
        address: Any = ipaddress.ip_address(source_ip)
    except ValueError:
        return "unknown"
    address = getattr(address, "ipv4_mapped", None) or address
    if address.version == 4:
        return str(address)
    return str(ipaddress.IPv6Network((int(address), IPV6_PREFIX), strict=False))
