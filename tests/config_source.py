"""Text of a configuration with one model, and a session of boto3, for tests of its publication."""

import boto3

SOURCE = """
default_model = "sandbox/{0}"
[providers.sandbox]
protocol = "openai_compatible"
[[models]]
name = "sandbox/{0}"
seconds = [4, 8]
"""
"""`{0}` is the name of the model."""
SESSION = boto3.Session("id", "secret", region_name="us-east-1")
"""Shared, as it caches the descriptions of the services."""
