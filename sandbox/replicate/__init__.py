"""Replicate's predictions, spoken strictly: what a model does not take is refused by name."""
