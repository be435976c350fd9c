"""The OpenAI Videos API and Bifrost's variant of it."""
