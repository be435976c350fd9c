"""Manual edits of a job's item after which it must not be used."""

import json
from collections.abc import Callable
from typing import Any

Item = dict[str, Any]
Edit = Callable[[Item], None]


def document(**changes: Any) -> Edit:
    def edit(item: Item) -> None:
        fields = json.loads(item["document"]["S"])
        item["document"] = {"S": json.dumps({**fields, **changes})}

    return edit


def attribute(name: str, value: Any) -> Edit:
    def edit(item: Item) -> None:
        if value is None:
            del item[name]
        else:
            item[name] = value

    return edit


EDITS: dict[str, Edit] = {
    "a document that is not JSON": attribute("document", {"S": '{"id": '}),
    "an empty document": attribute("document", {"S": ""}),
    "a document that is a list": attribute("document", {"S": "[]"}),
    "a document of another shape": attribute("document", {"S": '{"id": 1, "name": "two"}'}),
    "a document as a map": attribute("document", {"M": {"id": {"S": "one"}}}),
    "no document": attribute("document", None),
    "a document of another job": document(id="job_0000"),
    "a document of another account": document(account="another"),
    "an unknown status": document(status="done"),
    "no text as a stage": document(stage=5),
    "an empty stage": document(stage=""),
    "a time as text": document(created_at="yesterday"),
    "a request as text": document(request="a red ball"),
    "outputs of another shape": document(outputs=[1]),
    "a status unlike the document's": attribute("status", {"S": "completed"}),
    "a document's status unlike the item's": document(status="completed"),
    "no status": attribute("status", None),
    "a status that is a number": attribute("status", {"N": "1"}),
    "no version": attribute("version", None),
    "a version that is text": attribute("version", {"S": "0"}),
    "a version unlike the document's": attribute("version", {"N": "7"}),
    "a version with a fraction": attribute("version", {"N": "0.5"}),
}
