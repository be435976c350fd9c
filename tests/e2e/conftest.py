from tests.stack import aws, client, events, stack

__all__ = ["aws", "client", "events", "stack"]
