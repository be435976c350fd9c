"""Recognize API keys of other services, which clients send when only the base URL was changed."""

import re

FORMS = {
    "Anthropic": r"sk-ant-",
    "OpenRouter": r"sk-or-",
    "Bifrost": r"sk-bf-",
    "OpenAI": r"sk-",
    "fal": r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}:[0-9a-f]{16,}",
    "Replicate": r"r8_",
    "Together": r"tgp_|[0-9a-f]{64}\Z",
    "Google": r"AIza|AQ\.|ya29\.",
    "Runway": r"key_[0-9a-f]{32}",
    "xAI": r"xai-",
    "Luma": r"luma-",
    "Hugging Face": r"hf_",
    "AWS": r"AKIA|ASIA|bedrock-api-key-|ABSK",
    "Svix": r"whsec_",
}
"""Beginning of a key by vendor; the first that matches counts."""


def vendor_of(api_key: str) -> str | None:
    """Return the vendor whose keys have this form."""
    matching = (vendor for vendor, form in FORMS.items() if re.match(form, api_key))
    return next(matching, None)
