"""The emulator's version, and replacements in its source texts."""

import sys
from importlib.metadata import version

PINNED = "1.5.33"


def check_version() -> None:
    """Exit unless the pinned version is installed: corrections replace private functions."""
    if version("ministack") != PINNED:
        sys.exit(
            f"local/engine.py patches ministack {PINNED}, but {version('ministack')} is installed"
        )


def replaced(text: str, old: str, new: str) -> str:
    if text.count(old) != 1:
        sys.exit(f"local/engine.py expected to find exactly once: {old}")
    return text.replace(old, new)
