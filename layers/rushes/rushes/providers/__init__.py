"""Adapters by protocol, each imported at its first use."""

from collections.abc import Callable
from functools import cache
from importlib import import_module

from rushes.catalog.provider_config import ProviderEntry
from rushes.providers.base import Provider

PROVIDERS = {
    "bedrock": "rushes.providers.bedrock.adapter:Bedrock",
    "declarative": "rushes.providers.declarative.adapter:from_spec",
    "fal": "rushes.providers.fal_queue.fal_queue:Fal",
    "gemini": "rushes.providers.google.gemini:Gemini",
    "interactions": "rushes.providers.google.interactions:Interactions",
    "kling": "rushes.providers.kling.kling:Kling",
    "kling_v1": "rushes.providers.kling.kling_v1:KlingV1",
    "minimax": "rushes.providers.minimax.adapter:MiniMax",
    "openai_compatible": "rushes.providers.openai_videos.openai_compatible:for_server",
    "openai_with_lookup": "rushes.providers.openai_videos.openai_with_lookup:OpenAIWithLookup",
    "openrouter": "rushes.providers.openrouter.adapter:OpenRouter",
    "pipelet": "rushes.providers.fal_queue.fal_queue:Pipelet",
    "replicate": "rushes.providers.replicate.adapter:Replicate",
    "runway": "rushes.providers.runway.adapter:Runway",
    "tiyaro": "rushes.providers.tiyaro.adapter:Tiyaro",
    "together": "rushes.providers.together.adapter:Together",
    "vertex": "rushes.providers.google.vertex:Vertex",
    "xai": "rushes.providers.xai.adapter:XAI",
}


def adapter(entry: ProviderEntry) -> Provider:
    """Return the adapter of a catalog provider."""
    factory = _factory(entry.protocol)
    setting = entry.spec or entry.server
    made: Provider = factory(setting) if setting else factory()
    return made


@cache
def _factory(protocol: str) -> Callable[..., Provider]:
    module, _, name = PROVIDERS[protocol].partition(":")
    factory: Callable[..., Provider] = getattr(import_module(module), name)
    return factory
