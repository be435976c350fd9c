"""The providers: kind of upstream → where its adapter lives. Adapters are imported when needed."""

from functools import cache
from importlib import import_module

from rushes.providers.base import Provider

PROVIDERS = {
    "openai_compatible": "rushes.providers.openai_compatible:OpenAICompatible",
}


@cache
def adapter(kind: str) -> Provider:
    """The adapter for a kind of provider that the catalog names."""
    module, _, name = PROVIDERS[kind].partition(":")
    made: Provider = getattr(import_module(module), name)()
    return made
