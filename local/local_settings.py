"""What a local stack keeps between runs besides the engine's state: its ports and its keys."""

import json
import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from local.processes import free_port


@dataclass
class Identity:
    """Ports are kept because presigned URLs and the provider secret name them."""

    engine_port: int = 0
    sandbox_port: int = 0
    access_key_id: str = field(default_factory=lambda: f"AKIA{secrets.token_hex(8).upper()}")
    secret_access_key: str = field(default_factory=lambda: secrets.token_urlsafe(30))
    sandbox_api_key: str = field(default_factory=lambda: f"sandbox-{secrets.token_urlsafe(24)}")
    api_id: str = ""
    """The HTTP API that the API keys below were made for; another one knows nothing of them."""
    api_keys: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def load(cls, file: Path) -> "Identity":
        identity = cls(**json.loads(file.read_text())) if file.exists() else cls()
        identity.engine_port = free_port(identity.engine_port)
        identity.sandbox_port = free_port(identity.sandbox_port)
        return identity

    def save(self, file: Path) -> None:
        write_private(file, json.dumps(asdict(self), indent=2))


def write_private(file: Path, text: str) -> None:
    """Keys are in it, so it is readable by its owner alone from the first byte on."""
    file.unlink(missing_ok=True)
    file.touch(mode=0o600)
    file.write_text(text)
