"""Upstreams that serve the OpenAI Videos API."""
