"""Model catalog: providers, models, aliases and their limits."""
