"""Repositories in the one DynamoDB table."""
