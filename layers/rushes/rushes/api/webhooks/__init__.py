"""Routes that manage webhook endpoints, messages and deliveries."""
