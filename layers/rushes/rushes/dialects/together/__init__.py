"""TogetherAI's `/v2/videos` API."""
