"""Kling, in both generations of its API."""
