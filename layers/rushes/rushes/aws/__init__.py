"""Adapters for AWS services; they implement the ports with boto3."""
