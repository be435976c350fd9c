"""Runway's tasks API."""
