"""API for webhook endpoints, messages and deliveries."""
