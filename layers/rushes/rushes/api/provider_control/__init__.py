"""Providers at run time: their state, and pauses by operators."""
