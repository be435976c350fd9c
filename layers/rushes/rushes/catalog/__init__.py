"""The model catalog: providers, models, aliases and their limits."""
