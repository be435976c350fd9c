"""JSON Web Tokens (RFC 7519), signed with HS256 or RS256.

`cryptography` is loaded by the first RS256 signature only: most providers need none.
"""

import base64
import hashlib
import hmac
from collections.abc import Callable, Mapping

from pydantic_core import to_json

Sign = Callable[[bytes], bytes]


def hs256_token(claims: Mapping[str, object], secret: str) -> str:
    return _token(
        {"alg": "HS256", "typ": "JWT"},
        claims,
        lambda content: hmac.new(secret.encode(), content, hashlib.sha256).digest(),
    )


def rs256_token(claims: Mapping[str, object], private_key: str, key_id: str | None = None) -> str:
    """Sign with a private RSA key in PEM.

    Raises
    ------
    ValueError
        If the key is not such a key; the message does not contain it.
    """
    header = {"alg": "RS256", "typ": "JWT"} | ({"kid": key_id} if key_id else {})
    return _token(header, claims, _rs256(private_key))


def _token(header: Mapping[str, object], claims: Mapping[str, object], sign: Sign) -> str:
    content = f"{_encoded(to_json(header))}.{_encoded(to_json(claims))}"
    return f"{content}.{_encoded(sign(content.encode()))}"


def _encoded(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def _rs256(private_key: str) -> Sign:
    from cryptography.exceptions import UnsupportedAlgorithm  # noqa: PLC0415 - loaded when needed
    from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15  # noqa: PLC0415
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey  # noqa: PLC0415
    from cryptography.hazmat.primitives.hashes import SHA256  # noqa: PLC0415
    from cryptography.hazmat.primitives.serialization import load_pem_private_key  # noqa: PLC0415

    try:
        key = load_pem_private_key(private_key.encode(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):  # TypeError: it has a passphrase
        raise ValueError("not an unencrypted private key in PEM") from None
    if not isinstance(key, RSAPrivateKey):
        raise ValueError("not an RSA key")  # noqa: TRY004 - the text is wrong, not its type
    return lambda content: key.sign(content, PKCS1v15(), SHA256())
