"""OpenAI Videos API."""
