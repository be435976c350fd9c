"""MiniMax, in both generations of its API."""
