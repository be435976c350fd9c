"""Rushes: a job gateway for generated media. `wiring` is where to start reading."""
