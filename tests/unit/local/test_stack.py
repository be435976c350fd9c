"""Keys of the local stack's providers."""

from pathlib import Path
from typing import Any

import pytest

from local import stack
from local.local_settings import LocalSettings
from local.processes import StartError
from local.stack import SANDBOX_PROVIDERS, Stack


class Keys:
    """Keys and base URLs by provider."""

    def __init__(self, **keys: str) -> None:
        self.keys = keys
        self.urls: dict[str, str] = {}

    def get_key(self, provider: str) -> str | None:
        return self.keys.get(provider)

    def set_key(self, provider: str, key: str, base_url: str) -> None:
        self.keys[provider], self.urls[provider] = key, base_url


def stack_of(folder: Path, **fields: Any) -> Stack:
    made = Stack(folder, **fields)
    made._settings = LocalSettings(sandbox_port=7777, sandbox_api_key="sandbox-key-of-before")
    return made


def test_start_stores_the_sandboxs_keys_and_no_others(tmp_path: Path):
    keys: Any = Keys(fal="a-key-of-the-user", together="sandbox-key-of-before")
    stack_of(tmp_path)._store_provider_keys(keys)
    assert keys.keys["fal"] == "a-key-of-the-user"
    assert "fal" not in keys.urls
    assert keys.urls["together"] == "http://127.0.0.1:7777/together"
    assert keys.urls.keys() == SANDBOX_PROVIDERS.keys() - {"fal"}


def test_start_with_an_invalid_configuration_names_file_and_line(tmp_path: Path):
    config = tmp_path / "mine.toml"
    config.write_text('default_model = "a"\n[providers.a]\nprotokol = "fal"\n')
    with pytest.raises(StartError, match=r"mine\.toml:3: providers\.a\.protokol: Extra inputs"):
        stack_of(tmp_path, config=config)._publish(None)  # type: ignore[arg-type]


def test_configuration_of_the_repository_is_the_default():
    assert stack.CONFIG_FILE.name == "rushes.toml"
