"""What a hand may do to a job's row in the table, so that nothing may be decided on it."""

import json
from collections.abc import Callable
from typing import Any

Item = dict[str, Any]
Edit = Callable[[Item], None]


def document(**changes: Any) -> Edit:
    def edit(row: Item) -> None:
        told = json.loads(row["document"]["S"])
        row["document"] = {"S": json.dumps({**told, **changes})}

    return edit


def attribute(name: str, value: Any) -> Edit:
    def edit(row: Item) -> None:
        if value is None:
            del row[name]
        else:
            row[name] = value

    return edit


EDITS: dict[str, Edit] = {
    "a document that is no JSON": attribute("document", {"S": '{"id": '}),
    "an empty document": attribute("document", {"S": ""}),
    "a document that is a list": attribute("document", {"S": "[]"}),
    "a document of another shape": attribute("document", {"S": '{"id": 1, "name": "two"}'}),
    "a document as a map": attribute("document", {"M": {"id": {"S": "one"}}}),
    "no document": attribute("document", None),
    "a document of another job": document(id="job_0000"),
    "a document of another account": document(account="stranger"),
    "a status that there is not": document(status="done"),
    "a stage that there is not": document(stage="thinking"),
    "a time in words": document(created_at="yesterday"),
    "a request that is none": document(request="a red ball"),
    "outputs that are none": document(outputs=[1]),
    "a status that the document does not have": attribute("status", {"S": "completed"}),
    "a document's status that the row does not have": document(status="completed"),
    "no status": attribute("status", None),
    "a status that is a number": attribute("status", {"N": "1"}),
    "no version": attribute("version", None),
    "a version that is text": attribute("version", {"S": "0"}),
    "a version that the document does not have": attribute("version", {"N": "7"}),
    "a version with a fraction": attribute("version", {"N": "0.5"}),
}
