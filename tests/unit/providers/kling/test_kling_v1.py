import base64
import hashlib
import hmac
import json
from typing import Any

import pytest

from rushes.aws.provider_auth import ProviderAuth
from rushes.catalog.model_entry import ModelEntry
from rushes.catalog.vendor_data import read_vendor
from rushes.errors import ProviderNotConfigured
from rushes.http.access_tokens import AccessTokens
from rushes.providers import adapter
from rushes.providers.base import Succeeded, parse_submitted
from rushes.providers.credentials import ProviderCredential
from rushes.providers.kling.kling_v1 import KlingV1
from tests.fakes import FakeClock
from tests.unit.providers.job import job, json_reply
from tests.unit.providers.test_jwt import decoded

VIDEO = "/v1/videos/image2video"
URL = "https://cdn.klingai.com/1"


def poll(path: str = VIDEO, **data: Any) -> Any:
    body = {"code": 0, "data": {"task_id": "7", "task_status": "succeed", **data}}
    return KlingV1().parse_poll({"id": "7", "path": path}, json_reply(body))


def test_task_is_polled_at_the_path_that_created_it():
    model = ModelEntry(name="kling-v1/m", path=VIDEO, arguments={"prompt": "{prompt}"})
    call = KlingV1().submit_request(job(prompt="a fox"), model)
    assert call.json == {"prompt": "a fox", "external_task_id": "job_1-1"}
    created = parse_submitted(KlingV1(), call, json_reply({"code": 0, "data": {"task_id": "a/b"}}))
    assert KlingV1().poll_request(created.operation).path == f"{VIDEO}/a%2Fb"


def test_model_without_arguments_is_not_configured():
    with pytest.raises(ProviderNotConfigured, match="requires `path` and `arguments`"):
        KlingV1().submit_request(job(), None)


@pytest.mark.parametrize(
    ("files", "urls"),
    [
        ({"videos": [{"url": f"{URL}.mp4"}]}, [".mp4"]),
        ({"videos": [{"url": "", "watermark_url": f"{URL}.mp4"}]}, [".mp4"]),
        ({"images": [{"url": f"{URL}.png"}, {"url": f"{URL}.jpg"}]}, [".png", ".jpg"]),
        (
            {"images": [{"url": f"{URL}.png"}], "series_images": [{"url": f"{URL}.jpg"}]},
            [".png", ".jpg"],
        ),
        ({"audios": [{"url_mp3": f"{URL}.mp3", "url_wav": f"{URL}.wav"}]}, [".mp3"]),
        ({"audios": [{"url_wav": f"{URL}.wav"}]}, [".wav"]),
        ({"videos": [{}]}, []),
        (None, []),
    ],
)
def test_files_of_each_form(files: dict[str, Any] | None, urls: list[str]):
    result = poll(task_result=files)
    assert isinstance(result, Succeeded)
    assert [output.url for output in result.outputs] == [f"{URL}{end}" for end in urls]


@pytest.mark.parametrize(
    ("path", "units", "cost"),
    [
        (VIDEO, "2.5", 0.35),
        (VIDEO, 2.5, 0.35),
        ("/v1/images/generations", "8", 0.028),
        (VIDEO, "0", None),
        (VIDEO, None, None),
        (VIDEO, "free", None),
    ],
)
def test_cost_is_that_of_the_prepaid_units(path: str, units: object, cost: float | None):
    assert poll(path, final_unit_deduction=units).cost == cost


def verified(token: str, key: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return header and claims of a token with a valid signature."""
    content, _, signature = token.rpartition(".")
    digest = hmac.new(key.encode(), content.encode(), hashlib.sha256).digest()
    assert base64.urlsafe_b64encode(digest).rstrip(b"=").decode() == signature
    header, claims = (json.loads(decoded(part)) for part in content.split("."))
    return header, claims


def test_requests_have_a_token_made_from_the_access_key_and_the_secret_key():
    entry = read_vendor("kling-v1").vendor.provider()
    clock = FakeClock()
    unused: Any = None
    auth = ProviderAuth(AccessTokens(unused, clock), unused)
    credential = ProviderCredential(access_key="ak", secret_key="a-secret-of-kling")
    upstream = auth.upstream("kling-v1", entry, credential)
    scheme, token = upstream.headers["authorization"].split(" ")
    assert (upstream.base_url, scheme) == ("https://api-singapore.klingai.com", "Bearer")
    header, claims = verified(token, "a-secret-of-kling")
    assert header == {"alg": "HS256", "typ": "JWT"}
    assert claims["iss"] == "ak"
    assert claims["nbf"] <= clock() < claims["exp"]


def test_newer_api_has_the_plain_key():
    entry = read_vendor("kling").vendor.provider()
    unused: Any = None
    auth = ProviderAuth(AccessTokens(unused), unused)
    upstream = auth.upstream("kling", entry, ProviderCredential(api_key="key-of-kling"))
    assert upstream.headers == {"authorization": "Bearer key-of-kling"}
    assert adapter(entry).profile.key_scheme == "Bearer"
