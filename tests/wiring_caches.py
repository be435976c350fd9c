"""Caches of the composition root, for tests that run several functions in one process."""

from rushes.config import settings
from rushes.wiring import api, aws, sweep, webhooks, workflow

MODULES = (api, aws, sweep, webhooks, workflow)


def clear_wiring() -> None:
    """Forget settings, clients and everything built from them, as a new process has."""
    settings.cache_clear()
    for module in MODULES:
        for value in vars(module).values():
            if hasattr(value, "cache_clear"):
                value.cache_clear()
