"""Providers that the catalog specifies as data."""
