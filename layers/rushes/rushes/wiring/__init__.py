"""Composition root: one module per group of functions, and `aws` for the adapters they share.

A module imports only what its functions use. The api function loads neither httpx nor a provider.
"""
