"""Convert the published arguments of an endpoint to a model of the vendor data."""

from collections.abc import Collection
from typing import Any

from scripts.fal_models.fields import (
    AUDIO_SWITCHES,
    AUTOMATIC,
    CONDITIONS,
    EXACT_SIZES,
    FILE_LISTS,
    FILES,
    FRAME_COUNTS,
    FRAME_RATES,
    LENGTHS,
    NOT_OFFERED,
    PROMPTS,
    SIZE_NAMES,
    VIDEO_LISTS,
    Schema,
    choices,
    first_of,
    type_of,
)
from scripts.fal_models.lengths import length_of
from scripts.fal_models.sizes import size_of

Model = dict[str, Any]


def model_of(endpoint: str, schema: Schema, modality: str, hints: dict[str, Any]) -> Model:
    """Return the model without prices.

    Hints: `seconds`, `fps`, `step`, `offset`, `min_frames`, `max_frames`, `resolutions` (spelling
    by neutral name), `aspect_ratios`, `sizes`, `roles` (role by argument), `constants`, `drop`,
    `other_values`.
    """
    properties: dict[str, Schema] = schema["properties"]
    required = set(schema.get("required", ())) - set(hints.get("optional", ()))
    length = length_of(properties, hints)
    size = size_of(properties, hints, modality, required)
    files = _files(properties, hints)
    arguments = {
        **_texts(properties),
        **_files_arguments(files),
        **length.pop("arguments", {}),
        **size.pop("arguments", {}),
        **hints.get("constants", {}),
    }
    prompt = first_of(PROMPTS, properties)
    needs = [role for name, (role, _) in files.items() if name in required]
    model: Model = {
        "id": endpoint,
        "modality": modality,
        "inputs": list(dict.fromkeys(role for role, _ in files.values())),
        "needs": list(dict.fromkeys(needs)),
        "needs_prompt": prompt in required,
        **length,
        **size,
        "other_values": _other_values(properties, arguments, size.get("sizes", ()), hints),
        "arguments": arguments,
        "options": _options(properties, required, arguments, hints),
    }
    if "num_images" in model["options"]:
        model["count_option"] = "num_images"
    return {name: value for name, value in model.items() if value not in ([], {}, None)}


def _texts(properties: dict[str, Schema]) -> dict[str, Any]:
    texts = {
        first_of(PROMPTS, properties): "{prompt}",
        "negative_prompt": "{negative_prompt}",
        "seed": "{seed}",
        _audio_switch(properties): "{generate_audio}",
    }
    return {name: text for name, text in texts.items() if name in properties}


def _audio_switch(properties: dict[str, Schema]) -> str:
    return next(
        (name for name in AUDIO_SWITCHES if properties.get(name, {}).get("type") == "boolean"), ""
    )


def _files(properties: dict[str, Schema], hints: dict[str, Any]) -> dict[str, tuple[str, Any]]:
    """Return role and template by argument; one argument per role, the first in `FILES`' order."""
    given: dict[str, str] = hints.get("roles", {})
    found: dict[str, tuple[str, Any]] = {
        name: (role, f"{{{role}}}") for name, role in given.items() if role
    }
    for name, role in FILES.items():
        _add_file(found, properties, given, name, role, f"{{{role}}}")
    for name in FILE_LISTS:
        _add_file(found, properties, given, name, "reference", "{reference}")
    for name in VIDEO_LISTS:
        _add_file(found, properties, given, name, "source_video", ["{source_video}"])
    for name, (role, member) in CONDITIONS.items():
        template: Any = {member: f"{{{role}}}"}
        if properties.get(name, {}).get("type") == "array":
            template = [template]
        _add_file(found, properties, given, name, role, template)
    return found


def _add_file(
    found: dict[str, tuple[str, Any]],
    properties: dict[str, Schema],
    given: dict[str, str],
    name: str,
    role: str,
    template: Any,  # noqa: ANN401 - any JSON value
) -> None:
    taken = {known for known, _ in found.values()}
    if name in properties and name not in given and role not in taken:
        found[name] = (role, template)


def _files_arguments(files: dict[str, tuple[str, Any]]) -> dict[str, Any]:
    return {name: template for name, (_, template) in files.items()}


def _options(
    properties: dict[str, Schema],
    required: set[str],
    arguments: dict[str, Any],
    hints: dict[str, Any],
) -> dict[str, dict[str, Any]]:
    """Return the arguments that a request may add, and the neutral options that are mapped."""
    options: dict[str, dict[str, Any]] = {}
    if "seed" in properties:
        options["seed"] = {"type": "integer"}
    if "negative_prompt" in properties:
        options["negative_prompt"] = {"type": "string"}
    if switch := _audio_switch(properties):
        options["generate_audio"] = _with_default({"type": "boolean"}, properties[switch])
    covered = {*arguments, *NOT_OFFERED, *hints.get("drop", ()), *LENGTHS, *FRAME_COUNTS}
    covered |= {"resolution", "aspect_ratio", *EXACT_SIZES}
    if first_of(FRAME_COUNTS, properties):
        covered |= set(FRAME_RATES)
    for name, schema in properties.items():
        if name not in covered:
            options[name] = _option(name, schema, name in required)
    return options


def _other_values(
    properties: dict[str, Schema],
    arguments: dict[str, Any],
    sizes: Collection[str],
    hints: dict[str, Any],
) -> dict[str, list[Any]]:
    """Return the values by argument that stand for no length and no size, such as `auto`.

    Of an argument that is not offered, the default is one.
    """
    found = {
        name: [value for value in choices(properties.get(name, {})) if _is_other(value, sizes)]
        for name in (*LENGTHS, *EXACT_SIZES, "resolution", "aspect_ratio")
        if name in arguments
    }
    defaults = {
        name: [schema["default"]]
        for name, schema in properties.items()
        if name in NOT_OFFERED and schema.get("default") is not None
    }
    others = {**found, **hints.get("other_values", {}), **defaults}
    return {name: values for name, values in others.items() if values}


def _is_other(value: object, sizes: Collection[str]) -> bool:
    """Whether the value is `auto`, or a named size that is none of the model's.

    One endpoint has the length 0 for `auto`.
    """
    text = str(value)
    is_automatic = text == "0" or text.startswith(AUTOMATIC)
    return is_automatic or (text in SIZE_NAMES and SIZE_NAMES[text] not in sizes)


def _option(name: str, schema: Schema, is_required: bool) -> dict[str, Any]:  # noqa: FBT001
    option: dict[str, Any] = {}
    kind = type_of(schema)
    if kind:
        option["type"] = "integer" if _is_count(name, kind) else kind
    if "enum" in schema:
        option["values"] = choices(schema)
    for limit, own in (("minimum", "min"), ("maximum", "max")):
        if limit in schema:
            option[own] = schema[limit]
    if is_required:
        option["required"] = True
    return option


def _is_count(name: str, kind: str) -> bool:
    return kind == "number" and (name.startswith("num_") or name == "seed")


def _with_default(option: dict[str, Any], schema: Schema) -> dict[str, Any]:
    """Keep a default that a price or a rule may depend on."""
    return {**option, "default": schema["default"]} if "default" in schema else option
