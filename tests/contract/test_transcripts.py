"""Every transcript of every provider, replayed: the call we make, and what the answer means.

They follow the upstreams' published schemas and sources; a reply's body is JSON or, where it is
none, text.
"""

import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any, cast

import pytest

from rushes import providers
from rushes.catalog.provider_config import ProviderEntry
from rushes.errors import UpstreamError
from rushes.jobs.job import Job
from rushes.jobs.request import GenerationRequest
from rushes.ports import FormFile, HttpCall, HttpReply, JsonFile
from rushes.providers import PROVIDERS, adapter
from rushes.providers.base import (
    Cancels,
    Failed,
    FetchResult,
    HasResultCall,
    Pending,
    Provider,
    Submitted,
    Succeeded,
    SupportsLookup,
)
from tests.examples import catalog_with_examples

TRANSCRIPTS = Path(__file__).with_name("transcripts")
FILES = sorted(TRANSCRIPTS.rglob("*.json"))
WORDS = {Submitted: "submitted", Pending: "pending", Succeeded: "succeeded", Failed: "failed"}
Transcript = dict[str, Any]


@pytest.mark.parametrize("file", FILES, ids=lambda it: f"{it.parent.name}/{it.stem}")
def test_a_provider_calls_and_understands_as_in_its_transcript(file: Path):
    transcript = json.loads(file.read_text())
    provider = adapter(entry_of(file.parent.name, transcript))
    assert shown(call_of(provider, transcript)) == transcript["call"]
    assert meaning(provider, transcript) == transcript["means"]


def test_registry_files_and_transcripts_are_of_the_same_providers():
    folders = {path.name for path in TRANSCRIPTS.iterdir() if path.is_dir()}
    families = {path.parent.name for path in Path(str(providers.__file__)).parent.glob("*/*.py")}
    named = {it.removeprefix("rushes.providers.").partition(".")[0] for it in PROVIDERS.values()}
    assert named == families
    assert set(PROVIDERS) == folders


@pytest.mark.parametrize("kind", PROVIDERS)
def test_each_provider_has_a_transcript_of_each_thing_that_may_happen(kind: str):
    transcripts = [json.loads(path.read_text()) for path in (TRANSCRIPTS / kind).glob("*.json")]
    steps = [(it["step"].replace("result", "poll"), it["means"]) for it in transcripts]
    happened = {(step, word) for step, means in steps for word in means}
    refusals = {it["means"]["error"]["kind"] for it in transcripts if "error" in it["means"]}
    assert happened >= {
        *(("submit", "submitted"), ("submit", "error"), ("poll", "pending")),
        *(("poll", "succeeded"), ("poll", "failed"), ("poll", "error")),
    }
    assert refusals >= {
        *("UpstreamThrottled", "UpstreamRefused", "UpstreamNoResponse", "UpstreamProtocolError"),
        *("UpstreamJobNotFound", "UnknownUpstreamStatus"),
    }


def entry_of(kind: str, transcript: Transcript) -> ProviderEntry:
    """A described provider is one of the catalog's, or of its examples."""
    name = transcript.get("provider")
    return catalog_with_examples().providers[name] if name else ProviderEntry(protocol=kind)


def call_of(provider: Provider, transcript: Transcript) -> HttpCall:
    match transcript["step"]:
        case "submit":
            return provider.submit(job_of(transcript))
        case "poll":
            return provider.poll(transcript["operation"])
        case "find":
            assert isinstance(provider, SupportsLookup)
            return provider.find(job_of(transcript))
        case "result":
            also = provider.polled(transcript["operation"], reply_of(transcript, "first"))
            assert isinstance(also, FetchResult)
            return also.call
        case _:
            assert isinstance(provider, Cancels)
            return provider.cancel(transcript["operation"])


def job_of(transcript: Transcript) -> Job:
    given = transcript["job"]
    return Job(
        id="job_1",
        account="demo",
        dialect="openai",
        provider="one",
        upstream_model=given["upstream_model"],
        modality=given.get("kind", "video"),
        request=GenerationRequest(model="one/model", **given["request"]),
        created_at=0,
        updated_at=0,
        deadline_at=3600,
    )


def shown(call: HttpCall) -> Transcript:
    """A call as transcripts write it: without what is not there."""
    content: Transcript = {} if call.json is None else {"json": _json(call.json)}
    if call.headers:
        content["headers"] = dict(call.headers)
    if call.form is not None:
        content["form"] = {name: _part(part) for name, part in call.form.items()}
    return {"method": call.method, "path": call.path, **content}


def _json(value: Any) -> Any:
    """A JSON body as transcripts write it: a file in it by its key and the form it is sent in."""
    if isinstance(value, JsonFile):
        return {"key": value.file.key, "as": value.form}
    if isinstance(value, dict):
        return {name: _json(member) for name, member in value.items()}
    return [_json(member) for member in value] if isinstance(value, list | tuple) else value


def _part(part: str | FormFile) -> str | Transcript:
    if isinstance(part, str):
        return part
    file = {"key": part.file.key, "content_type": part.file.content_type}
    return {"filename": part.filename, **file}


def reply_of(transcript: Transcript, name: str = "reply") -> HttpReply:
    """`first` is, before a result, the answer that says that there is one."""
    reply = transcript[name]
    body = reply["body"] if isinstance(reply["body"], str) else json.dumps(reply["body"])
    return HttpReply(reply["status"], reply["headers"], body.encode())


def meaning(provider: Provider, transcript: Transcript) -> Transcript:
    """What the reply is taken for; of an error only what the transcript tells of it."""
    reply = reply_of(transcript)
    operation = transcript.get("operation", {})
    reading: dict[str, Callable[[], Any]] = {
        "submit": lambda: provider.submitted(reply),
        "poll": lambda: provider.polled(operation, reply),
        "find": lambda: cast("SupportsLookup", provider).found(job_of(transcript), reply),
        "result": lambda: cast("HasResultCall", provider).parse_result(operation, reply),
    }
    read = reading.get(transcript["step"])
    try:
        return _as_written(read()) if read else {}
    except UpstreamError as error:
        facts = {"kind": type(error).__name__, "code": error.error_code, **vars(error)}
        told = transcript["means"].get("error", {})
        return {"error": {name: facts[name] for name in told or ("kind", "message")}}


def _as_written(
    result: Submitted | Pending | Succeeded | Failed | FetchResult | None,
) -> Transcript:
    if result is None:
        return {"absent": {}}
    if isinstance(result, FetchResult):
        return {"ask_also": shown(result.call)}
    word = WORDS[type(result)]
    if isinstance(result, Failed):
        return {word: result.error.model_dump()}
    facts = {
        name: it for name, it in asdict(result).items() if it not in (None, ()) and it is not False
    }
    if isinstance(result, Succeeded):
        facts["outputs"] = [output.model_dump(exclude_none=True) for output in result.outputs]
    return {word: facts}
