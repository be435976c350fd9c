"""AWS adapters: implementations of the ports with boto3."""
