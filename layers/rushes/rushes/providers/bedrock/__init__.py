"""Amazon Bedrock asynchronous invocations."""
