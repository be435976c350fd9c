"""Encrypt the signing secrets of accounts with the current version of the stack's key."""

from collections.abc import Iterable

from cli.target import Target
from rushes.aws.dynamodb.webhooks import EndpointTable
from rushes.aws.webhook_cipher import WebhookCipher
from rushes.errors import NotFound
from rushes.webhooks.signing_secrets import SigningSecrets


def reencrypt(target: Target, key: str, accounts: Iterable[str]) -> int:
    """Return the number of receivers whose secrets were encrypted.

    Each receiver's item changes on the condition that it is the one that was read.
    """
    endpoints = EndpointTable(target.client("dynamodb"), target.table)
    cipher = WebhookCipher(lambda: target.client("secretsmanager"), key)
    signing_secrets = SigningSecrets(endpoints, cipher)
    return sum(_of_account(endpoints, signing_secrets, account) for account in accounts)


def _of_account(endpoints: EndpointTable, signing_secrets: SigningSecrets, account: str) -> int:
    count = 0
    for endpoint in endpoints.all(account):
        try:
            endpoints.change(account, endpoint.id, signing_secrets.encrypted_again)
        except NotFound:  # deleted in the meantime
            continue
        count += 1
    if endpoints.request_secrets(account):
        endpoints.change_request_secrets(account, signing_secrets.encrypted_again)
        count += 1
    return count
