"""Ports and keys of a local stack, which stay the same between runs."""

import json
import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from local.processes import free_port


@dataclass
class LocalSettings:
    """Ports are stored because presigned URLs and the providers' secrets contain them."""

    engine_port: int = 0
    sandbox_port: int = 0
    access_key_id: str = field(default_factory=lambda: f"AKIA{secrets.token_hex(8).upper()}")
    secret_access_key: str = field(default_factory=lambda: secrets.token_urlsafe(30))
    sandbox_api_key: str = field(default_factory=lambda: f"sandbox-{secrets.token_urlsafe(24)}")
    api_id: str = ""
    """Id of the HTTP API for which `api_keys` were created; another API needs new keys."""
    api_keys: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def load(cls, file: Path) -> "LocalSettings":
        settings = cls(**json.loads(file.read_text())) if file.exists() else cls()
        settings.engine_port = free_port(settings.engine_port)
        settings.sandbox_port = free_port(settings.sandbox_port)
        return settings

    def save(self, file: Path) -> None:
        write_private(file, json.dumps(asdict(self), indent=2))


def write_private(file: Path, text: str) -> None:
    """Write a file that only its owner can read, from the first byte on: it contains keys."""
    file.unlink(missing_ok=True)
    file.touch(mode=0o600)
    file.write_text(text)
