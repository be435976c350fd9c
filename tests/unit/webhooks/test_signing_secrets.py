"""Signing secrets are stored encrypted, and bound to their receiver and the version of the key."""

import pytest

from rushes.aws import webhook_cipher
from rushes.aws.webhook_cipher import PREFIX, WebhookCipher
from rushes.errors import AwsUnavailable, CorruptRecord
from rushes.webhooks.delivery import TARGET
from rushes.webhooks.endpoint import RequestSecrets, Secret
from rushes.webhooks.signature import headers
from rushes.webhooks.signing_secrets import hint
from tests.unit.webhooks.client import ENDPOINTS, Client, path
from tests.unit.webhooks.fakes import FakeKeySecret, signing_secrets
from tests.unit.webhooks.harness import EVENT_ID, SECRET, START, Harness, endpoint, event

OWNER = "one/we_1"


@pytest.fixture
def key() -> FakeKeySecret:
    return FakeKeySecret()


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> Client:
    return Client(monkeypatch)


def cipher(key: FakeKeySecret) -> WebhookCipher:
    """Return the cipher of a new process."""
    return WebhookCipher(lambda: key, "key")  # type: ignore[arg-type,return-value]


def test_encrypted_secret_is_decrypted_by_another_process(key: FakeKeySecret):
    encrypted = cipher(key).encrypt(SECRET, OWNER)
    assert encrypted.startswith(f"{PREFIX}version-1:")
    assert SECRET.removeprefix("whsec_") not in encrypted
    assert cipher(key).decrypt(encrypted, OWNER) == SECRET


def test_equal_secrets_differ_when_encrypted(key: FakeKeySecret):
    one = cipher(key)
    assert len({one.encrypt(SECRET, OWNER) for _ in range(20)}) == 20


def test_secret_of_an_older_release_needs_no_key(key: FakeKeySecret):
    assert cipher(key).decrypt(SECRET, OWNER) == SECRET
    assert key.reads == []


@pytest.mark.parametrize("owner", ["two/we_1", "one/we_2", f"one/{TARGET}", "one/we_1 ", ""])
def test_secret_of_another_receiver_is_corrupt(key: FakeKeySecret, owner: str):
    one = cipher(key)
    encrypted = one.encrypt(SECRET, OWNER)
    with pytest.raises(CorruptRecord):
        one.decrypt(encrypted, owner)


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text[:-4] + "AAAA",
        lambda text: text[:-4],
        lambda text: text.rpartition(":")[0] + ":",
        lambda text: text.rpartition(":")[0] + ":not base64",
        lambda text: text.replace("version-1", "version-7"),
        lambda _: PREFIX,
    ],
)
def test_changed_text_is_corrupt(key: FakeKeySecret, change):
    one = cipher(key)
    with pytest.raises(CorruptRecord):
        one.decrypt(change(one.encrypt(SECRET, OWNER)), OWNER)


def test_secret_remains_readable_after_a_new_key(
    key: FakeKeySecret, monkeypatch: pytest.MonkeyPatch
):
    one = cipher(key)
    old = one.encrypt(SECRET, OWNER)
    key.put("second key")
    assert one.encrypt(SECRET, OWNER).startswith(f"{PREFIX}version-1:")
    monkeypatch.setattr(webhook_cipher, "CURRENT_SECONDS", -1.0)
    new = one.encrypt(SECRET, OWNER)
    assert new.startswith(f"{PREFIX}version-2:")
    assert [cipher(key).decrypt(text, OWNER) for text in (old, new)] == [SECRET, SECRET]


def test_keys_are_read_once_per_process(key: FakeKeySecret):
    one = cipher(key)
    texts = [one.encrypt(SECRET, OWNER) for _ in range(3)]
    assert [one.decrypt(text, OWNER) for text in texts] == [SECRET] * 3
    assert key.reads == [None]
    other = cipher(key)
    assert [other.decrypt(text, OWNER) for text in texts] == [SECRET] * 3
    assert key.reads == [None, "version-1"]


def test_stored_endpoints_and_request_secrets_contain_no_secret(client: Client):
    created = client.create_endpoint()
    rotated = client.post(path(created, "/rotate_secret")).json
    requests = client.post("webhook_secret/rotate").json
    stored = client.harness.endpoints
    documents = [*stored.items.documents.values(), *stored.secrets.documents.values()]
    texts = " ".join(document.model_dump_json() for document in documents)
    for shown in (created, rotated, requests):
        assert shown["signing_secret"].startswith("whsec_")
        assert shown["signing_secret"].removeprefix("whsec_") not in texts
        assert shown["signing_secret_hint"] == f"whsec_…{shown['signing_secret'][-4:]}"
    assert client.get(path(created)).json["signing_secret_hint"] == rotated["signing_secret_hint"]


def test_reading_endpoints_needs_no_key(client: Client):
    shown = client.create_endpoint()
    client.harness.key.reads.clear()
    for where in (ENDPOINTS, path(shown), path(shown, "/attempts")):
        assert client.get(where).status == 200
    assert client.post(path(shown), {"name": "other"}).status == 200
    assert client.harness.key.reads == []


def test_delivery_is_signed_with_the_decrypted_secret():
    harness = Harness()
    secret = harness.signing_secrets.encrypt(SECRET, "one", "we_1")
    harness.endpoints.add(endpoint(secrets=(secret,)))
    harness.fanout.run(event())
    assert harness.attempt() == "delivered"
    [post] = harness.receiver.posts
    assert post.headers.items() >= headers(EVENT_ID, START, post.body, (SECRET,)).items()


def test_secret_that_was_moved_between_endpoints_signs_nothing():
    harness = Harness()
    secret = harness.signing_secrets.encrypt(SECRET, "another", "we_1")
    harness.endpoints.add(endpoint(secrets=(secret,)))
    harness.fanout.run(event())
    assert harness.attempt() == "corrupt"
    assert harness.receiver.posts == []


def test_fanout_and_sweep_need_no_key():
    harness = Harness.with_request_url(200)
    harness.endpoints.add(endpoint())
    harness.fanout.run(event(job_id="job_2"))
    harness.sweeper.sweep()
    assert harness.key.reads == []
    assert harness.endpoints.request_secrets("one") is None


def test_create_without_a_readable_key_stores_nothing(client: Client):
    def fail(**_: str) -> dict[str, str]:
        raise AwsUnavailable("GetSecretValue returned ThrottlingException")

    client.harness.key.get_secret_value = fail  # type: ignore[method-assign]
    reply = client.post(ENDPOINTS, {"url": "https://hooks.example/in"})
    assert reply.status == 503
    assert client.get(ENDPOINTS).json["data"] == []


def test_hint_of_a_secret_of_an_older_release_is_its_end():
    assert hint(Secret(value=SECRET)) == SECRET[-4:]
    owner = RequestSecrets(account="one", secrets=(Secret(value=SECRET),))
    assert signing_secrets(Harness().endpoints).newest(owner) == SECRET
