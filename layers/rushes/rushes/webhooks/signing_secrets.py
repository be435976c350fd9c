"""Signing secrets: encrypted before they are stored, decrypted to sign and to show a new one once.

Functions that only read endpoints, `notify` and `sweep`, see the encrypted form.
"""

from dataclasses import dataclass
from typing import TypeVar

from rushes.webhooks.delivery import TARGET
from rushes.webhooks.endpoint import Endpoint, RequestSecrets, Secret
from rushes.webhooks.ports import EndpointRepository, SecretCipher
from rushes.webhooks.signature import new_secret

HINT_CHARACTERS = 4

Receiver = TypeVar("Receiver", Endpoint, RequestSecrets)


@dataclass(frozen=True)
class SigningSecrets:
    endpoints: EndpointRepository
    cipher: SecretCipher

    def encrypt(self, value: str, account: str, receiver: str = TARGET) -> Secret:
        """`receiver` is an endpoint's id; the default stands for URLs of create requests."""
        encrypted = self.cipher.encrypt(value, _owner(account, receiver))
        return Secret(value=encrypted, hint=value[-HINT_CHARACTERS:])

    def newest(self, receiver: Endpoint | RequestSecrets) -> str:
        return self._decrypt(receiver, receiver.secrets[0].value)

    def active(self, receiver: Endpoint | RequestSecrets, now: float) -> tuple[str, ...]:
        """Return the secrets that sign now, the newest first."""
        return tuple(self._decrypt(receiver, value) for value in receiver.active_secrets(now))

    def of_requests(self, account: str) -> RequestSecrets:
        """Return the account's secrets for URLs of create requests; the first call creates them."""
        stored = self.endpoints.request_secrets(account)
        if stored:
            return stored
        first = self.encrypt(new_secret(), account)
        self.endpoints.add_request_secrets(RequestSecrets(account=account, secrets=(first,)))
        return self.of_requests(account)

    def encrypted_again(self, receiver: Receiver) -> Receiver:
        """Encrypt all secrets of a receiver with the current key."""
        secrets = tuple(
            old.model_copy(update={"value": new.value, "hint": new.hint})
            for old in receiver.secrets
            for value in [self._decrypt(receiver, old.value)]
            for new in [self.encrypt(value, receiver.account, _name(receiver))]
        )
        return receiver.model_copy(update={"secrets": secrets, "version": receiver.version + 1})

    def _decrypt(self, receiver: Endpoint | RequestSecrets, value: str) -> str:
        return self.cipher.decrypt(value, _owner(receiver.account, _name(receiver)))


def hint(secret: Secret) -> str:
    """Return the last characters of a secret, also of one that an older release stored as it is."""
    return secret.hint or secret.value[-HINT_CHARACTERS:]


def _name(receiver: Endpoint | RequestSecrets) -> str:
    return receiver.id if isinstance(receiver, Endpoint) else TARGET


def _owner(account: str, receiver: str) -> str:
    return f"{account}/{receiver}"
