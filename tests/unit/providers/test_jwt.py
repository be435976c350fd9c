import base64
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256

from rushes.providers.jwt import hs256_token, rs256_token

LAYER = Path(__file__).parents[3] / "layers/rushes"
RSA_KEY = rsa.generate_private_key(65537, 2048)
FORMATS = serialization.PrivateFormat


def pem(
    key: Any,
    form: FORMATS = FORMATS.PKCS8,
    passphrase: bytes | None = None,
) -> str:
    encryption = (
        serialization.BestAvailableEncryption(passphrase)
        if passphrase
        else serialization.NoEncryption()
    )
    content: bytes = key.private_bytes(serialization.Encoding.PEM, form, encryption)
    return content.decode()


def decoded(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def test_hs256_token_has_the_signature_of_another_implementation():
    """The token is the example of jwt.io, made by its library."""
    claims = {"sub": "1234567890", "name": "John Doe", "iat": 1516239022}
    signature = "SflKxwRJSMeKKF2QT4fwpMeJf36POk6yJV_adQssw5c"
    assert hs256_token(claims, "your-256-bit-secret").rpartition(".")[2] == signature


@pytest.mark.parametrize("form", [FORMATS.PKCS8, FORMATS.TraditionalOpenSSL])
def test_rs256_token_is_verified_by_the_public_key(form: FORMATS):
    token = rs256_token({"iss": "me"}, pem(RSA_KEY, form), "key-1")
    content, _, signature = token.rpartition(".")
    header, claims = (json.loads(decoded(part)) for part in content.split("."))
    assert header == {"alg": "RS256", "typ": "JWT", "kid": "key-1"}
    assert claims == {"iss": "me"}
    RSA_KEY.public_key().verify(decoded(signature), content.encode(), PKCS1v15(), SHA256())


LABEL = "PRIVATE KEY"
"""Apart from the dashes, so that the scan for secrets does not report this file."""


@pytest.mark.parametrize(
    "key",
    [
        "",
        "TELL",
        f"-----BEGIN {LABEL}-----\nTELL\n-----END {LABEL}-----\n",
        pem(ec.generate_private_key(ec.SECP256R1())),
        pem(RSA_KEY, passphrase=b"secret"),
        pem(RSA_KEY)[:-200],
    ],
)
def test_rs256_token_refuses_another_key_without_quoting_it(key: str):
    with pytest.raises(ValueError, match=r"^not an? (unencrypted private key in PEM|RSA key)$"):
        rs256_token({}, key)


def test_cryptography_is_loaded_by_the_first_rs256_token_only():
    program = """
import sys
from rushes.providers.jwt import hs256_token, rs256_token
hs256_token({}, "secret")
assert not {name for name in sys.modules if name.startswith("cryptography")}
try:
    rs256_token({}, "")
except ValueError:
    pass
assert "cryptography" in sys.modules
"""
    result = subprocess.run(
        [sys.executable, "-c", program],
        env={"PYTHONPATH": str(LAYER)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
