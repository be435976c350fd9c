"""URLs in a provider's replies: relative references, other hosts, and where the key is sent."""

import pytest

from rushes.errors import UpstreamProtocolError
from rushes.http.urls import resolve_reference
from rushes.jobs.result import Output
from rushes.ports.http import HttpCall, Upstream
from rushes.providers.results import linked_files
from rushes.redaction import MARK
from tests.raw_http import RawServer, reply
from tests.unit.http.responses import KEY, VIDEO, Provider

REPLY = "/videos/up%3A1?full=1"
REFERENCES = {
    "1.mp4": "/v1/videos/1.mp4",
    "./1.mp4": "/v1/videos/1.mp4",
    "../files/1.mp4?sig=a%2Fb": "/v1/files/1.mp4?sig=a%2Fb",
    "../../../1.mp4": "/1.mp4",
    "/files/1.mp4": "/files/1.mp4",
    "?variant=video": "/v1/videos/up%3A1?variant=video",
    "a/./b/../1.mp4#t=2": "/v1/videos/a/1.mp4",
}
"""References in the reply at `REPLY`, and the request that RFC 3986 leads to."""


@pytest.mark.parametrize(("reference", "target"), REFERENCES.items())
def test_call_to_a_reference_goes_to_the_providers_origin_with_the_key(
    provider: Provider, reference: str, target: str
):
    provider.server.answers[target.partition("?")[0]] = reply(b"{}")
    call = HttpCall("GET", reference, relative_to=REPLY)
    assert provider.client.send(provider.upstream, call).status == 200
    (request,) = provider.server.received
    assert request.path == target
    assert request.headers["authorization"] == "Bearer upstream-key"


@pytest.mark.parametrize(("reference", "target"), REFERENCES.items())
def test_output_at_a_reference_is_downloaded(provider: Provider, reference: str, target: str):
    provider.server.answers[target.partition("?")[0]] = reply(VIDEO)
    output = Output(url=reference, relative_to=REPLY, needs_key=True)
    with provider.client.download(provider.upstream, output) as stream:
        assert b"".join(stream.chunks) == VIDEO
    assert "authorization" in provider.server.received[0].headers


@pytest.mark.parametrize("with_scheme", [True, False])
def test_call_to_another_host_is_sent_without_the_key(
    provider: Provider, other_server: RawServer, *, with_scheme: bool
):
    other_server.answers["/polls/1"] = reply(b'{"status": "success"}')
    url = f"{other_server.url}/polls/1?sig=x"
    reference = url if with_scheme else url.partition(":")[2]
    call = HttpCall("GET", reference, relative_to=REPLY)
    assert provider.client.send(provider.upstream, call).body == b'{"status": "success"}'
    assert "authorization" not in other_server.received[0].headers
    assert not provider.server.connections


def test_key_in_a_reference_returns_to_the_providers_origin_only(provider: Provider):
    """The reply's redaction has removed the key from the URL."""
    provider.server.answers["/v1/polls"] = reply(b"{}")
    call = HttpCall("GET", f"../polls?key={MARK}", relative_to=REPLY)
    upstream = Upstream(f"{provider.server.url}/v1", KEY)
    assert provider.client.send(upstream, call).status == 200
    assert provider.server.received[0].path == "/v1/polls?key=upstream-key"


@pytest.mark.parametrize("reference", ["https://[::1", "//[", "http://a b/"])
def test_invalid_reference_is_refused(provider: Provider, reference: str):
    with pytest.raises(UpstreamProtocolError):
        provider.client.send(provider.upstream, HttpCall("GET", reference, relative_to=REPLY))


def test_absolute_url_stays_as_given():
    url = "https://files.example/a/../b?x=%2f"
    assert resolve_reference("https://provider.example/v1", url) == url


def test_output_of_a_poll_at_another_host_is_relative_to_that_host(
    provider: Provider, other_server: RawServer
):
    other_server.answers["/polls/1.mp4"] = reply(VIDEO)
    output = Output(url="1.mp4", relative_to=f"{other_server.url}/polls/1", needs_key=True)
    with provider.client.download(provider.upstream, output) as stream:
        assert b"".join(stream.chunks) == VIDEO
    assert "authorization" not in other_server.received[0].headers


def test_file_inside_a_poll_at_another_host_is_read_there(
    provider: Provider, other_server: RawServer
):
    other_server.answers["/polls/1"] = reply(b'{"video": "AAAA"}')
    (output,) = linked_files(f"{other_server.url}/polls/1", {"data": {"base64": "AAAA"}})
    output = output.model_copy(update={"pointer": "/video"})
    with provider.client.download(provider.upstream, output) as stream:
        assert b"".join(stream.chunks) == bytes(3)
    assert "authorization" not in other_server.received[0].headers
