"""The OpenAI SDK reads the model lists; its requests go to the api function in process."""

import httpx2  # the HTTP library of the SDK
import openai
import pytest

from tests.unit.dialects.api_client import BASE_URL, Caller

NAMES = ["sora-2", "video", "sandbox/video", "openai/plain", "sandbox/transcriber"]


@pytest.fixture
def caller(monkeypatch: pytest.MonkeyPatch) -> Caller:
    return Caller(monkeypatch)


@pytest.fixture(params=["/v1", "/bifrost/v1", "/openai/v1"])
def client(request: pytest.FixtureRequest, caller: Caller) -> openai.OpenAI:
    def answer(sent: httpx2.Request) -> httpx2.Response:
        path = sent.url.raw_path.decode()  # with %2F, as API Gateway may pass it on
        reply = caller.raw(sent.method, path, None, dict(sent.headers))
        return httpx2.Response(reply.status, headers=reply.headers, text=reply.text)

    return openai.OpenAI(
        base_url=BASE_URL + request.param,
        api_key=caller.key,
        max_retries=0,
        http_client=openai.DefaultHttpxClient(transport=httpx2.MockTransport(answer)),
    )


def test_sdk_lists_models(client: openai.OpenAI):
    models = list(client.models.list())
    assert [model.id for model in models] == NAMES
    assert {(model.object, model.created) for model in models} == {("model", 0)}
    video = models[2].to_dict()
    assert (video["modality"], video["seconds"], video["aliases"]) == (
        "video",
        [4, 8],
        ["sora-2", "video"],
    )


@pytest.mark.parametrize("name", ["sora-2", "sandbox/video"])
def test_sdk_retrieves_a_model(client: openai.OpenAI, name: str):
    model = client.models.retrieve(name)
    assert (model.id, model.owned_by) == (name, "sandbox")


def test_sdk_gets_the_error_of_an_unknown_model(client: openai.OpenAI):
    with pytest.raises(openai.NotFoundError) as refused:
        client.models.retrieve("sora-9")
    assert (refused.value.code, refused.value.param) == ("model_not_found", "model")
