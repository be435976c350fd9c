"""The policies for URLs in requests."""

import pytest

from rushes.errors import UrlNotAllowed
from rushes.http import ssrf
from rushes.http.url_policy import InputUrlPolicy, PublicUrlPolicy


@pytest.fixture(autouse=True)
def resolved(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Resolve every name to a private address; return the resolved names."""
    names: list[str] = []

    def resolve(host: str, _port: int) -> tuple[str, ...]:
        names.append(host)
        return ("10.0.0.7",)

    monkeypatch.setattr(ssrf, "resolve", resolve)
    return names


def test_input_policy_resolves_no_name(resolved: list[str]):
    InputUrlPolicy(local_mode=False)("https://inside.example/1.png#part", "image_url")
    assert resolved == []


def test_webhook_policy_resolves_the_name(resolved: list[str]):
    with pytest.raises(UrlNotAllowed, match="not a public host"):
        PublicUrlPolicy(local_mode=False)("https://inside.example/", "webhook_url")
    assert resolved == ["inside.example"]


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("https://10.0.0.1/", "image_url: 10.0.0.1 is not a public host"),
        ("ftp://images.example/", "image_url: url must use https (got ftp)"),
        ("data:,", "image_url: url is not a valid URL"),
        (f"https://i.example/{'x' * 8175}", "image_url: url must have at most 8192 characters"),
    ],
)
def test_input_policy_names_field_and_reason(url: str, message: str):
    with pytest.raises(UrlNotAllowed) as refused:
        InputUrlPolicy(local_mode=False)(url, "image_url")
    assert refused.value.message.startswith(message)
    assert refused.value.param == "image_url"


def test_input_policy_in_local_mode_allows_http_and_private_hosts():
    InputUrlPolicy(local_mode=True)("http://127.0.0.1:8081/1.png", "image_url")
    with pytest.raises(UrlNotAllowed):
        InputUrlPolicy(local_mode=True)("ftp://127.0.0.1/", "image_url")
