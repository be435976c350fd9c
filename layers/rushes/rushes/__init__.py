"""Rushes: a job gateway for generated media. Start reading at `wiring`."""
