"""Check create calls for Tiyaro against the transcript of its document."""

from urllib.parse import parse_qs, urlsplit

from rushes.catalog.model_entry import ModelEntry
from rushes.ports.http import HttpCall
from tests.contract.vendors.published_files import read
from tests.contract.vendors.schema_checks import body_errors

DOCUMENT = read("tiyaro")
SOURCE = "Tiyaro's page Async API (documentation)"


def errors(model: ModelEntry, call: HttpCall) -> list[str]:
    url = urlsplit(call.path)
    schema = DOCUMENT["models"].get(model.model_at_provider)
    if schema is None or (call.method, url.path) != (
        "POST",
        f"/v1/async/{model.model_at_provider}",
    ):
        return [f"Tiyaro has no {call.method} {call.path}"]
    if unknown := set(call.json) - {"input"}:  # URL is added after the upload
        return [f"{min(unknown)} is not documented"]
    query = parse_qs(url.query, strict_parsing=True) if url.query else {}
    tier = query.pop("serviceTier", ["cpuflex"])
    if query or tier[0] not in DOCUMENT["service_tiers"]:
        return [f"query {url.query} is not documented"]
    return body_errors(schema, call.json["input"])
