"""Whether Replicate's SDK believes a message: run in the environment that has it, told by JSON."""

import json
import sys

from replicate.webhook import Webhooks, WebhookSigningSecret, WebhookValidationError

asked = json.load(sys.stdin)
try:
    Webhooks.validate(
        headers=asked["headers"],
        body=asked["body"],
        secret=WebhookSigningSecret(key=asked["secret"]),
        tolerance=300,
    )
except WebhookValidationError as doubt:
    sys.stdout.write(type(doubt).__name__)
else:
    sys.stdout.write("believed")
