"""Check the create calls of the shipped models against the types that the vendors publish.

    python -m tests.contract.vendors.report [--sample N] [VENDOR ...]

Builds a request for every combination of seconds, size, audio and input files that a model accepts,
and for every value of its options. Prints a table and each refused request; the exit status is 1
if a request is refused.
"""

import argparse
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from importlib import import_module
from types import ModuleType
from typing import Any

from rushes.catalog.model_entry import ModelEntry
from rushes.catalog.options import Option
from rushes.catalog.parameters import NEUTRAL_OPTIONS
from rushes.catalog.vendor_data import read_vendor, vendor_names
from rushes.jobs.job import Job
from rushes.jobs.request import GenerationRequest, Input, Role, StoredFile
from rushes.ports.http import HttpCall, JsonFile
from rushes.providers import adapter
from rushes.providers.base import Provider
from tests.contract.vendors.combinations import Combination, allowed_combinations

CONTENT_TYPES = {Role.SOURCE_VIDEO: "video/mp4", Role.AUDIO: "audio/mpeg"}
"""Images are PNG files."""
MAX_SHOWN = 5
"""Refused requests of a model that are printed."""


@dataclass
class VendorResult:
    """Counts and errors of a vendor's models."""

    name: str
    source: str = ""
    models: int = 0
    videos: int = 0
    unpriced: int = 0
    requests: int = 0
    refused: list[str] = field(default_factory=list)


def check_vendor(name: str, sample: int | None = None) -> VendorResult:
    """Check a vendor's models; `sample` limits the combinations per model."""
    data, checks = read_vendor(name), _checks(name)
    result = VendorResult(name, checks.SOURCE)
    provider = adapter(data.vendor.provider())
    for model in data.entries():
        result.models += 1
        result.videos += model.modality == "video"
        result.unpriced += bool(model.price_unknown) and model.modality == "video"
        result.requests += _check_model(model, provider, checks, sample, result.refused)
    return result


def _check_model(
    model: ModelEntry,
    provider: Provider,
    checks: ModuleType,
    sample: int | None,
    refused: list[str],
) -> int:
    seen: set[str] = set()
    shown = 0
    for request in _sampled(list(requests_of(model, checks)), sample):
        call = rendered(provider.submit_request(job_of(model, request), model))
        text = json.dumps([call.path, call.json, call.form], sort_keys=True, default=str)
        if text in seen:
            continue
        seen.add(text)
        for error in checks.errors(model, call):
            if shown < MAX_SHOWN:
                refused.append(f"{model.name}: {error}: {text[:300]}")
            shown += 1
    return len(seen)


def requests_of(model: ModelEntry, checks: ModuleType) -> Iterator[GenerationRequest]:
    """Yield a request per allowed combination, then one per value of each option.

    `checks.example` returns a value of a required option that is a list or an object.
    """
    combinations = list(allowed_combinations(model))
    if not combinations:
        raise AssertionError(f"{model.name} accepts no combination")
    required = {
        name: (_examples(option) or [checks.example(model, name)])[0]
        for name, option in model.options.items()
        if option.required
    }
    for combination in combinations:
        yield _request(model, combination, required)
    for roles in dict.fromkeys(combination.roles for combination in combinations):
        defaults = Combination(None, None, None, roles)
        yield model.validate_and_fill(_request(model, defaults, required))
    for name, option in model.options.items():
        for value in _examples(option):
            options = {**required, name: value}
            request = _first_accepted(model, combinations, options)
            if request is not None:
                yield request


def _first_accepted(
    model: ModelEntry, combinations: list[Combination], options: dict[str, Any]
) -> GenerationRequest | None:
    for combination in combinations:
        request = _request(model, combination, options)
        if model.accepts(request):
            return request
    return None


def _request(
    model: ModelEntry, combination: Combination, options: dict[str, Any]
) -> GenerationRequest:
    neutral = {name: value for name, value in options.items() if name in NEUTRAL_OPTIONS}
    others = {name: value for name, value in options.items() if name not in NEUTRAL_OPTIONS}
    if combination.generate_audio is not None:
        neutral["generate_audio"] = combination.generate_audio
    return GenerationRequest(
        model=model.name,
        prompt="A red ball rolls over wet sand" if model.needs_prompt else "",
        seconds=combination.seconds,
        size=combination.size,
        inputs=tuple(Input(role=role, file=file_of(role)) for role in combination.roles),
        provider_options=others,
        **neutral,
    )


def _examples(option: Option) -> list[Any]:
    """Return allowed values: all that are listed, or the bounds, or one of the type."""
    if option.values:
        return list(option.values)
    if option.type == "boolean":
        return [True, False]
    if option.type in ("integer", "number"):
        bounds = [bound for bound in (option.min, option.max) if bound is not None] or [1]
        return [int(bound) if float(bound).is_integer() else bound for bound in bounds]
    if option.type in ("array", "object"):
        return []
    return ["text"]


def file_of(role: Role) -> StoredFile:
    content_type = CONTENT_TYPES.get(role, "image/png")
    extension = content_type.partition("/")[2]
    return StoredFile(key=f"inputs/{role}.{extension}", content_type=content_type, size=1000)


def job_of(model: ModelEntry, request: GenerationRequest) -> Job:
    return Job(
        id="job_1",
        account="account",
        dialect="openai",
        provider=model.provider,
        upstream_model=model.model_at_provider,
        model=model.name,
        modality=model.modality,
        request=request,
        created_at=0,
        updated_at=0,
        deadline_at=3600,
    )


def rendered(call: HttpCall) -> HttpCall:
    """Replace the files of a call by text in their form."""
    return replace(call, json=_with_text(call.json))


def _with_text(value: Any) -> Any:
    if isinstance(value, JsonFile):
        return {
            "link": f"https://bucket.example/{value.file.key}?signature=0",
            "base64": "iVBORw0KGgo=",
            "data_url": f"data:{value.file.content_type};base64,iVBORw0KGgo=",
        }[value.form]
    if isinstance(value, dict):
        return {name: _with_text(member) for name, member in value.items()}
    return [_with_text(member) for member in value] if isinstance(value, list | tuple) else value


def _sampled(requests: list[GenerationRequest], sample: int | None) -> list[GenerationRequest]:
    """Return at most `sample` requests, spread evenly over the list."""
    if sample is None or len(requests) <= sample:
        return requests
    return [requests[number * len(requests) // sample] for number in range(sample)]


def _checks(vendor: str) -> ModuleType:
    return import_module(f"tests.contract.vendors.{vendor.replace('-', '_')}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sample", type=int, help="combinations per model")
    parser.add_argument("vendors", nargs="*", metavar="VENDOR")
    args = parser.parse_args()
    results = []
    print("vendor           models  video  unpriced  requests  refused  checked against")
    for name in args.vendors or vendor_names():
        result = check_vendor(name, args.sample)
        results.append(result)
        counts = f"{result.models:6}  {result.videos:5}  {result.unpriced:8}  {result.requests:8}"
        print(f"{name:16} {counts}  {len(result.refused):7}  {result.source}", flush=True)
    total = sum(result.models for result in results)
    videos = sum(result.videos for result in results)
    print(f"{len(results)} vendors, {total} models, {videos} of them video")
    for result in results:
        print(*result.refused, sep="\n", end="\n" if result.refused else "")
    return 1 if any(result.refused for result in results) else 0


if __name__ == "__main__":
    sys.exit(main())
