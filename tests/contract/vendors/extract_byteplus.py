"""Write published/byteplus.json: the create call and the task of byteplus-python-sdk-v2.

Run `python -m tests.contract.vendors.extract_byteplus [file]`.
"""

import inspect
from importlib.metadata import version
from typing import Any, get_type_hints

from byteplussdkarkruntime.resources.content_generation import tasks
from byteplussdkarkruntime.types.content_generation import (
    content_generation_task,
    create_task_content_param,
)

from tests.contract.vendors.published_files import write
from tests.contract.vendors.typed_dicts import Schema, members_of, schema_of

PACKAGE = "byteplus-python-sdk-v2"
PATH = "/contents/generations/tasks"
TRANSPORT = {"self", "extra_headers", "extra_query", "extra_body", "timeout", "return"}
"""Parameters of the SDK that are not part of the body."""


def undecorated(method: Any) -> Any:
    """Return the method within the SDK's decorator, which hides its parameters."""
    cells = (cell.cell_contents for cell in method.__closure__ or ())
    return next((found for found in cells if inspect.isfunction(found)), method)


def content() -> Schema:
    """Return the schema of an entry of `content`: all fields of its type are required."""
    types = members_of(create_task_content_param.CreateTaskContentParam)
    schemas = [schema_of(member) for member in types]
    return {"anyOf": [{**schema, "required": sorted(schema["properties"])} for schema in schemas]}


def request() -> Schema:
    """Return the schema of the body, whose fields are the parameters of `create`."""
    create = undecorated(tasks.Tasks.create)
    hints = {name: hint for name, hint in get_type_hints(create).items() if name not in TRANSPORT}
    parameters = inspect.signature(create).parameters
    return {
        "type": "object",
        "properties": {
            name: {"type": "array", "items": content()} if name == "content" else _value(hint)
            for name, hint in hints.items()
        },
        "required": [name for name in hints if parameters[name].default is inspect.Parameter.empty],
        "additionalProperties": False,
    }


def _value(hint: Any) -> Schema:
    """Return the schema of an optional value, which a call leaves out instead of sending null."""
    (schema,) = [schema_of(member) for member in members_of(hint) if member is not type(None)]
    return schema


def files() -> list[str]:
    """Return the fields of a task's content: URLs of the files."""
    return sorted(content_generation_task.Content.model_fields)


def path() -> str:
    """Return the path of the create call.

    Raises
    ------
    LookupError
        If the SDK's source has another one.
    """
    if f'"{PATH}"' not in inspect.getsource(tasks):
        raise LookupError(f"{PACKAGE} does not call {PATH}")
    return PATH


def main() -> None:
    document = {
        "package": PACKAGE,
        "version": version(PACKAGE),
        "path": path(),
        "request": request(),
        "files": files(),
    }
    write("byteplus", document)


if __name__ == "__main__":
    main()
