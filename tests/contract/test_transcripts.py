"""Replay the transcripts of each provider: the request, and the meaning of the reply.

Transcripts follow the published schemas and sources. A reply's body is JSON, or text otherwise.
"""

import json
from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any, cast

import pytest

from rushes import providers
from rushes.catalog.model_entry import ModelEntry
from rushes.catalog.provider_config import ProviderEntry
from rushes.catalog.vendor_data import read_vendor
from rushes.errors import UpstreamError
from rushes.jobs.job import Job
from rushes.jobs.request import GenerationRequest
from rushes.ports.http import BucketFolder, FormFile, HttpCall, HttpReply, JsonFile
from rushes.providers import PROVIDERS, adapter, base
from tests.default_config import default_catalog

TRANSCRIPTS = Path(__file__).with_name("transcripts")
FILES = sorted(TRANSCRIPTS.rglob("*.json"))
NAMES = {
    base.Submitted: "submitted",
    base.Pending: "pending",
    base.Succeeded: "succeeded",
    base.Failed: "failed",
}
CALLS = {base.FetchResult: "fetch_result", base.NextPage: "next_page"}
Transcript = dict[str, Any]
Parser = Callable[[HttpReply], object]


@pytest.mark.parametrize("file", FILES, ids=lambda file: f"{file.parent.name}/{file.stem}")
def test_adapter_builds_request_and_parses_reply_of_transcript(file: Path):
    transcript = json.loads(file.read_text())
    call, parse = step_of(adapter(entry_of(file.parent.name, transcript)), transcript)
    assert serialize_call(call) == transcript["call"]
    assert (meaning(parse, transcript) if parse else {}) == transcript["means"]


def test_registry_has_each_family_folder_and_each_transcript_folder():
    folders = {path.name for path in TRANSCRIPTS.iterdir() if path.is_dir()}
    families = {path.parent.name for path in Path(str(providers.__file__)).parent.glob("*/*.py")}
    modules = [target.removeprefix("rushes.providers.") for target in PROVIDERS.values()]
    assert {module.partition(".")[0] for module in modules} == families
    assert set(PROVIDERS) == folders


@pytest.mark.parametrize("protocol", PROVIDERS)
def test_protocol_has_a_transcript_of_each_outcome(protocol: str):
    transcripts = [json.loads(path.read_text()) for path in (TRANSCRIPTS / protocol).glob("*.json")]
    steps = [(each["step"].replace("result", "poll"), each["means"]) for each in transcripts]
    outcomes = {(step, name) for step, means in steps for name in means}
    errors = {means["error"]["type"] for _, means in steps if "error" in means}
    assert outcomes >= {
        *(("submit", "submitted"), ("submit", "error"), ("poll", "pending")),
        *(("poll", "succeeded"), ("poll", "failed"), ("poll", "error")),
    }
    assert errors >= {
        *("UpstreamThrottled", "UpstreamRefused", "UpstreamNoResponse", "UpstreamProtocolError"),
        *("UpstreamJobNotFound", "UnknownUpstreamStatus"),
    }


def entry_of(protocol: str, transcript: Transcript) -> ProviderEntry:
    """Return the entry of the vendor, or of the provider in rushes.toml, if one is named."""
    if vendor := transcript.get("vendor"):
        return read_vendor(vendor).vendor.provider()
    name = transcript.get("provider")
    return default_catalog().providers[name] if name else ProviderEntry(protocol=protocol)


def step_of(provider: base.Provider, transcript: Transcript) -> tuple[HttpCall, Parser | None]:
    """Return the request of a step, and the function that parses its reply; a cancel has none."""
    operation = transcript.get("operation", {})
    match transcript["step"]:
        case "submit":
            call = provider.submit_request(job_of(transcript), model_of(transcript))
            return call, provider.parse_submit
        case "poll":
            return provider.poll_request(operation), partial(provider.parse_poll, operation)
        case "lookup":
            assert isinstance(provider, base.SupportsLookup)
            job = job_of(transcript)
            return provider.lookup_request(job), partial(provider.parse_lookup, job)
        case "result":
            fetch = provider.parse_poll(operation, reply_of(transcript, "poll_reply"))
            assert isinstance(fetch, base.FetchResult)
            return fetch.call, partial(cast("base.HasResultCall", provider).parse_result, operation)
        case _:
            assert isinstance(provider, base.SupportsCancel)
            cancel = provider.cancel_request(operation)
            assert cancel is not None
            return cancel, None


def model_of(transcript: Transcript) -> ModelEntry | None:
    """Return the vendor's model, if the transcript names one."""
    name = transcript["job"].get("model")
    models = read_vendor(transcript["vendor"]).entries() if name else ()
    return next((model for model in models if model.name == name), None)


def job_of(transcript: Transcript) -> Job:
    given = transcript["job"]
    return Job(
        id="job_1",
        account="demo",
        dialect="openai",
        provider="one",
        upstream_model=given["upstream_model"],
        modality=given.get("modality", "video"),
        request=GenerationRequest(model="one/model", **given["request"]),
        created_at=0,
        updated_at=0,
        deadline_at=3600,
    )


def serialize_call(call: HttpCall) -> Transcript:
    """Serialize a request without absent members."""
    content: Transcript = {} if call.json is None else {"json": _json(call.json)}
    if call.headers:
        content["headers"] = dict(call.headers)
    if call.form is not None:
        content["form"] = {name: _part(part) for name, part in call.form.items()}
    return {"method": call.method, "path": call.path, **content}


def _json(value: Any) -> Any:
    """Serialize a JSON body, a file in it as its key and form."""
    if isinstance(value, JsonFile):
        return {"key": value.file.key, "as": value.form}
    if isinstance(value, BucketFolder):
        return {"folder": value.key}
    if isinstance(value, dict):
        return {name: _json(member) for name, member in value.items()}
    return [_json(member) for member in value] if isinstance(value, list | tuple) else value


def _part(part: str | FormFile) -> str | Transcript:
    if isinstance(part, str):
        return part
    file = {"key": part.file.key, "content_type": part.file.content_type}
    return {"filename": part.filename, **file}


def reply_of(transcript: Transcript, name: str = "reply") -> HttpReply:
    """Return `reply`, or `poll_reply`, which precedes the reply of a result request."""
    reply = transcript[name]
    body = reply["body"] if isinstance(reply["body"], str) else json.dumps(reply["body"])
    return HttpReply(reply["status"], reply["headers"], body.encode())


def meaning(parse: Parser, transcript: Transcript) -> Transcript:
    """Serialize the parsed reply, or of an error the members that the transcript has."""
    try:
        return _serialize(parse(reply_of(transcript)))
    except UpstreamError as error:
        members = {"type": type(error).__name__, "code": error.error_code, **vars(error)}
        expected = transcript["means"].get("error", {})
        return {"error": {name: members[name] for name in expected or ("type", "message")}}


def _serialize(result: Any) -> Transcript:
    if result is None:
        return {"not_found": {}}
    if type(result) in CALLS:
        return {CALLS[type(result)]: serialize_call(result.call)}
    name = NAMES[type(result)]
    if isinstance(result, base.Failed):
        return {name: result.error.model_dump()}
    members = {
        key: value
        for key, value in asdict(result).items()
        if value not in (None, ()) and value is not False
    }
    if isinstance(result, base.Succeeded):
        members["outputs"] = [output.model_dump(exclude_none=True) for output in result.outputs]
    return {name: members}
