"""xAI's Imagine API."""
