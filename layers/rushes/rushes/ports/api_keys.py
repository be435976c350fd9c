"""Storage of API keys."""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class ApiKey:
    """The stored form of an API key; the key itself is not stored."""

    key_id: str
    account: str
    digest: str
    """SHA-256 of the secret part, in hexadecimal."""
    created_at: float
    revoked: bool = False


class ApiKeys(Protocol):
    def add(self, key: ApiKey) -> None: ...
    def get(self, key_id: str) -> ApiKey | None: ...
