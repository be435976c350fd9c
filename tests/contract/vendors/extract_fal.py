"""Write published/fal.json: the input and output types of the npm package @fal-ai/client.

Run `python -m tests.contract.vendors.extract_fal [file]`.

Inputs become JSON Schema, with the defaults and the limits that the documentation comments state;
outputs are reduced to the fields with files.
"""

import json
import re
from collections.abc import Iterator
from typing import Any

from tests.contract.vendors import npm_packages
from tests.contract.vendors.published_files import write

PACKAGE = "@fal-ai/client"
VERSION = "1.10.1"
TYPES = "src/types/endpoints.d.ts"

OTHER_INPUTS = (
    "fal-ai/flux/schnell",
    "fal-ai/flux/dev",
    "fal-ai/flux-pro/v1.1-ultra",
    "fal-ai/flux-pro/kontext",
    "fal-ai/flux-pro/kontext/max",
    "fal-ai/flux-2",
    "fal-ai/flux-2-pro",
    "fal-ai/flux-2-pro/edit",
    "fal-ai/flux-2-flex",
    "fal-ai/nano-banana",
    "fal-ai/nano-banana/edit",
    "fal-ai/nano-banana-2",
    "fal-ai/nano-banana-2/edit",
    "fal-ai/nano-banana-pro",
    "fal-ai/nano-banana-pro/edit",
    "fal-ai/bytedance/seedream/v4/text-to-image",
    "fal-ai/bytedance/seedream/v4/edit",
    "fal-ai/bytedance/seedream/v4.5/text-to-image",
    "fal-ai/bytedance/seedream/v4.5/edit",
    "fal-ai/bytedance/seedream/v5/lite/text-to-image",
    "fal-ai/qwen-image",
    "fal-ai/qwen-image-edit",
    "fal-ai/qwen-image-2512",
    "fal-ai/z-image/turbo",
    "fal-ai/imagen4/preview",
    "fal-ai/ideogram/v3",
    "fal-ai/recraft/v3/text-to-image",
    "fal-ai/gpt-image-1.5",
    "fal-ai/gpt-image-1.5/edit",
    "xai/grok-imagine-image",
    "fal-ai/elevenlabs/tts/eleven-v3",
    "fal-ai/elevenlabs/tts/turbo-v2.5",
    "fal-ai/minimax/speech-2.8-hd",
    "fal-ai/minimax/speech-2.8-turbo",
    "fal-ai/kokoro/american-english",
    "fal-ai/chatterbox/text-to-speech",
    "fal-ai/f5-tts",
    "fal-ai/elevenlabs/music",
    "fal-ai/elevenlabs/sound-effects/v2",
    "fal-ai/minimax-music/v2",
    "fal-ai/lyria2",
    "fal-ai/stable-audio-25/text-to-audio",
    "fal-ai/whisper",
    "fal-ai/wizper",
    "fal-ai/elevenlabs/speech-to-text",
    "fal-ai/elevenlabs/speech-to-text/scribe-v2",
)
"""Endpoints for images, audio and transcription of which the inputs are kept; of video endpoints
all are kept."""

Schema = dict[str, Any]

TOKEN = re.compile(
    r'\s+|(?P<comment>/\*\*.*?\*/)|(?P<text>"(?:[^"\\]|\\.)*")|(?P<number>-?\d+(?:\.\d+)?)'
    r"|(?P<word>[A-Za-z_$][\w$]*)|(?P<sign>[{}\[\]()<>:;,|=?])",
    re.DOTALL,
)
PRIMITIVES: dict[str, Schema] = {
    "string": {"type": "string"},
    "number": {"type": "number"},
    "boolean": {"type": "boolean"},
    "void": {"type": "null"},
    "null": {"type": "null"},
    "never": {"not": {}},
}
UPLOADS = ("Blob", "File")
"""Files in the caller's memory: the client uploads them and sends a URL."""
DEFAULT = re.compile(r"Default value: `(?P<value>.*?)`", re.DOTALL)
RANGE = re.compile(
    r"(?:[Mm]ust be|Value|value|[Rr]ange(?: is)?|[Nn]umber of frames(?: to generate)?)[^.]{0,40}?"
    r" ?between (?P<low>\d+(?:\.\d+)?) (?:to|and) (?P<high>\d+(?:\.\d+)?)\b(?! ?(?:x|pixels))"
)


def tokens(source: str) -> Iterator[tuple[str, str]]:
    position = 0
    while position < len(source):
        match = TOKEN.match(source, position)
        if not match:
            raise ValueError(f"unexpected text: {source[position : position + 40]!r}")
        position = match.end()
        if match.lastgroup:
            yield match.lastgroup, match[0]


class Reader:
    """A reader of the subset of TypeScript in the package's generated types."""

    def __init__(self, source: str) -> None:
        self._tokens = list(tokens(source))
        self._position = 0

    def declarations(self) -> dict[str, Schema]:
        found = {}
        while self._position < len(self._tokens):
            if self._take()[1] == "type":
                name = self._take()[1]
                self._expect("=")
                found[name] = self._type()
        return found

    def _type(self) -> Schema:
        self._skip("|")
        members = [self._member()]
        while self._skip("|"):
            members.append(self._member())
        return _union(members)

    def _member(self) -> Schema:
        kind, text = self._take()
        member: Schema
        if kind in ("text", "number"):
            member = {"enum": [json.loads(text)]}
        elif text == "{":
            member = self._object()
        elif text == "(":
            member = self._type()
            self._expect(")")
        else:
            member = self._named(text)
        while self._skip("["):
            self._expect("]")
            member = {"type": "array", "items": member}
        return member

    def _named(self, name: str) -> Schema:
        arguments = self._arguments() if self._skip("<") else []
        if name == "Array":
            return {"type": "array", "items": arguments[0]}
        if name == "Record":
            return {"type": "object"}
        if name in ("unknown", "any"):
            return {}
        return dict(PRIMITIVES.get(name) or {"$ref": name})

    def _arguments(self) -> list[Schema]:
        arguments = [self._type()]
        while self._skip(","):
            arguments.append(self._type())
        self._expect(">")
        return arguments

    def _object(self) -> Schema:
        properties: dict[str, Schema] = {}
        required = []
        while not self._skip("}"):
            comment = ""
            while self._tokens[self._position][0] == "comment":
                comment = self._take()[1]
            kind, text = self._take()
            name = json.loads(text) if kind == "text" else text
            if not self._skip("?"):
                required.append(name)
            self._expect(":")
            properties[name] = _with_facts(self._type(), comment)
            self._skip(";")
        schema = {"type": "object", "properties": properties, "additionalProperties": False}
        return {**schema, "required": required} if required else schema

    def _take(self) -> tuple[str, str]:
        token = self._tokens[self._position]
        self._position += 1
        return token

    def _skip(self, text: str) -> bool:
        found = self._position < len(self._tokens) and self._tokens[self._position][1] == text
        self._position += found
        return found

    def _expect(self, text: str) -> None:
        if not self._skip(text):
            raise ValueError(f"expected {text!r}, found {self._tokens[self._position]!r}")


def _union(members: list[Schema]) -> Schema:
    """Merge literals into one enum; drop the in-memory forms of a file that is also a string."""
    if {"type": "string"} in members:
        members = [member for member in members if member.get("$ref") not in UPLOADS]
    values = [value for member in members for value in member.get("enum", ())]
    others = [member for member in members if "enum" not in member]
    unique = [member for number, member in enumerate(others) if member not in others[:number]]
    if not values:
        return unique[0] if len(unique) == 1 else {"anyOf": unique}
    choice: Schema = {"enum": values}
    return {"anyOf": [choice, *unique]} if unique else choice


def _with_facts(schema: Schema, comment: str) -> Schema:
    """Add the default and the limits that a documentation comment states."""
    text = re.sub(r"\s*\n\s*\*\s?", " ", comment)
    facts: Schema = {}
    if default := DEFAULT.search(text):
        try:
            facts["default"] = json.loads(default["value"])
        except ValueError:
            facts["default"] = default["value"]
    limits = RANGE.search(text)
    if limits and schema.get("type") == "number":
        facts |= {"minimum": _number(limits["low"]), "maximum": _number(limits["high"])}
    return schema | facts


def _number(text: str) -> float | int:
    return float(text) if "." in text else int(text)


def resolve(schema: Any, types: dict[str, Schema], seen: tuple[str, ...] = ()) -> Any:
    """Replace the references to named types; a type within itself accepts anything."""
    if isinstance(schema, list):
        return [resolve(member, types, seen) for member in schema]
    if not isinstance(schema, dict):
        return schema
    name = schema.get("$ref")
    if not isinstance(name, str):
        return {key: resolve(value, types, seen) for key, value in schema.items()}
    if name in seen or name not in types:
        return {}
    facts = {key: value for key, value in schema.items() if key != "$ref"}
    return resolve(types[name], types, (*seen, name)) | facts


def file_fields(schema: Schema) -> Any:
    """Reduce an output type to its file fields: "file", "url" or containers of these."""
    if "anyOf" in schema:
        return next(filter(None, map(file_fields, schema["anyOf"])), None)
    if schema.get("type") == "array":
        item = file_fields(schema["items"])
        return [item] if item else None
    properties = schema.get("properties", {})
    if properties.get("url", {}).get("type") == "string":
        return "file"
    found = {
        name: "url" if _is_url(name, member) else file_fields(member)
        for name, member in properties.items()
    }
    return {name: value for name, value in found.items() if value} or None


def _is_url(name: str, schema: Schema) -> bool:
    return schema.get("type") == "string" and bool(re.search(r"(^|_)(url|uri)$", name))


def has_video(output: Schema) -> bool:
    return any(name in output.get("properties", {}) for name in ("video", "videos"))


def extract(source: str) -> dict[str, Any]:
    types = Reader(source).declarations()
    endpoints = types.pop("EndpointTypeMap")["properties"]
    inputs, outputs = {}, {}
    for endpoint, member in endpoints.items():
        declared = {name: resolve(schema, types) for name, schema in member["properties"].items()}
        if has_video(declared["output"]) or endpoint in OTHER_INPUTS:
            inputs[endpoint] = declared["input"]
        if files := file_fields(declared["output"]):
            outputs[endpoint] = files
    return {
        "package": PACKAGE,
        "version": VERSION,
        "inputs": dict(sorted(inputs.items())),
        "outputs": dict(sorted(outputs.items())),
    }


def main() -> None:
    write("fal", extract(npm_packages.read_text(PACKAGE, VERSION, TYPES)))


if __name__ == "__main__":
    main()
