"""Verify a message with Replicate's SDK: JSON on stdin, the result on stdout."""

import json
import sys

from replicate.webhook import Webhooks, WebhookSigningSecret, WebhookValidationError

message = json.load(sys.stdin)
try:
    Webhooks.validate(
        headers=message["headers"],
        body=message["body"],
        secret=WebhookSigningSecret(key=message["secret"]),
        tolerance=300,
    )
except WebhookValidationError as error:
    sys.stdout.write(type(error).__name__)
else:
    sys.stdout.write("verified")
