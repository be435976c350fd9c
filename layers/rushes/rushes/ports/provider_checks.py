"""Checks of the providers' keys by requests that bill nothing."""

from dataclasses import dataclass
from typing import Literal, Protocol


@dataclass(frozen=True)
class KeyCheck:
    status: Literal["accepted", "rejected", "unclear"]
    reason: str


class ProviderChecks(Protocol):
    def check(self, provider: str) -> KeyCheck: ...
