"""The context of a Lambda invocation."""

from dataclasses import dataclass


@dataclass(frozen=True)
class InvocationContext:
    """The attributes that Powertools reads."""

    function_name: str = "rushes"
    memory_limit_in_mb: int = 512
    invoked_function_arn: str = "arn:aws:lambda:us-east-1:000000000000:function:rushes"
    aws_request_id: str = "7d6f2d8c-3b1c-4a52-8a3c-52c9b9a6f2e1"
