"""AES-256-GCM encryption of webhook signing secrets, with keys from Secrets Manager.

    encrypted:<version of the key's secret>:<nonce and ciphertext in base64>

The version names the key, so that a new value of the secret needs no change of stored items.
`cryptography` and the key are loaded when a secret is first encrypted or decrypted.
"""

import base64
import hashlib
import secrets
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from rushes.aws.errors import translate_aws_errors
from rushes.errors import CorruptRecord
from rushes.redaction import REDACTOR

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM
    from mypy_boto3_secretsmanager import SecretsManagerClient

PREFIX = "encrypted:"
NONCE_BYTES = 12
CURRENT_SECONDS = 300.0
"""Until the current version is read again."""


class WebhookCipher:
    """`secret_id` is the name or ARN of the secret with the key."""

    def __init__(self, client: "Callable[[], SecretsManagerClient]", secret_id: str) -> None:
        self._client = client
        self._secret_id = secret_id
        self._keys: dict[str, AESGCM] = {}
        self._current: tuple[str, float] | None = None

    def encrypt(self, text: str, owner: str) -> str:
        version, nonce = self._current_version(), secrets.token_bytes(NONCE_BYTES)
        content = self._keys[version].encrypt(nonce, text.encode(), owner.encode())
        return f"{PREFIX}{version}:{base64.b64encode(nonce + content).decode()}"

    def decrypt(self, text: str, owner: str) -> str:
        """Decrypt what `encrypt` returned for the same owner.

        Versions up to 0.2.0 stored secrets as they are: such a text is returned unchanged.

        Raises
        ------
        CorruptRecord
            If the text was changed, or moved from another owner, or its key does not exist.
        """
        if not text.startswith(PREFIX):
            return text
        version, _, encoded = text.removeprefix(PREFIX).partition(":")
        from cryptography.exceptions import InvalidTag  # noqa: PLC0415 - loaded when needed

        try:
            content = base64.b64decode(encoded, validate=True)
            nonce, rest = content[:NONCE_BYTES], content[NONCE_BYTES:]
            return self._key(version).decrypt(nonce, rest, owner.encode()).decode()
        except (InvalidTag, ValueError):
            raise CorruptRecord("a signing secret cannot be decrypted") from None

    def _current_version(self) -> str:
        now = time.monotonic()
        if self._current is None or now - self._current[1] > CURRENT_SECONDS:
            with translate_aws_errors():
                reply = self._client().get_secret_value(SecretId=self._secret_id)
            version = reply["VersionId"]
            self._keys[version] = _key_of(reply["SecretString"])
            self._current = version, now
        return self._current[0]

    def _key(self, version: str) -> "AESGCM":
        if version not in self._keys:
            with translate_aws_errors():
                self._keys[version] = _key_of(self._read(version))
        return self._keys[version]

    def _read(self, version: str) -> str:
        try:
            reply = self._client().get_secret_value(SecretId=self._secret_id, VersionId=version)
        except ClientError as error:
            if error.response["Error"]["Code"] != "ResourceNotFoundException":
                raise
            raise CorruptRecord("the key of a signing secret does not exist") from None
        return reply["SecretString"]


def _key_of(text: str) -> "AESGCM":
    """Hash the generated text, which has more than 256 random bits, to the length of a key."""
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # noqa: PLC0415

    REDACTOR.remember(text)
    return AESGCM(hashlib.sha256(text.encode()).digest())
