"""Together's video API, spoken strictly: what it does not publish is refused by name."""
