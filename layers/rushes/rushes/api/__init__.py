"""HTTP API for clients: authentication, job routes and the webhook management routes."""
