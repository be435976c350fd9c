"""The providers: kind of upstream → where its adapter lives. Adapters are imported when needed."""

from collections.abc import Callable
from functools import cache
from importlib import import_module

from rushes.catalog.provider_config import ProviderEntry
from rushes.providers.base import Provider

PROVIDERS = {
    "declarative": "rushes.providers.declarative.adapter:described",
    "fal": "rushes.providers.fal_queue.fal_queue:Fal",
    "gemini": "rushes.providers.google.gemini:Gemini",
    "openai_compatible": "rushes.providers.openai_videos.openai_compatible:OpenAICompatible",
    "openai_searchable": "rushes.providers.openai_videos.openai_searchable:OpenAISearchable",
    "pipelet": "rushes.providers.fal_queue.fal_queue:Pipelet",
    "replicate": "rushes.providers.replicate.adapter:Replicate",
    "runway": "rushes.providers.runway.adapter:Runway",
    "tiyaro": "rushes.providers.tiyaro.adapter:Tiyaro",
    "together": "rushes.providers.together.adapter:Together",
    "vertex": "rushes.providers.google.vertex:Vertex",
}


def adapter(entry: ProviderEntry) -> Provider:
    """The adapter for a provider of the catalog."""
    make = _maker(entry.kind)
    made: Provider = make(entry.describes) if entry.describes else make()
    return made


@cache
def _maker(kind: str) -> Callable[..., Provider]:
    module, _, name = PROVIDERS[kind].partition(":")
    maker: Callable[..., Provider] = getattr(import_module(module), name)
    return maker
