"""Model names that resemble an unknown one, for an error message."""

from collections.abc import Collection
from difflib import get_close_matches

MAX_NAMES = 3
MAX_CHARACTERS = 80
"""Of the unknown name: longer ones are compared by their beginning."""
MIN_SIMILARITY = 0.6


def similar_names(unknown: str, names: Collection[str]) -> list[str]:
    """Return at most `MAX_NAMES`: names that end with the unknown one, then similar ones.

    Clients often omit the provider of a name such as `fal/fal-ai/veo3.1/fast`.
    """
    text = unknown.strip()[:MAX_CHARACTERS].lower()
    if not text:
        return []
    lower = {name.lower(): name for name in names}
    ending = [name for name in lower if name.endswith(f"/{text}")]
    close = get_close_matches(text, lower, MAX_NAMES, MIN_SIMILARITY)
    return [lower[name] for name in dict.fromkeys([*ending, *close])][:MAX_NAMES]
