"""Put known ids, models and values into generated requests: most others are refused at once."""

from collections.abc import Mapping, Sequence
from typing import Any

from hypothesis import strategies as st
from schemathesis import Case
from schemathesis.generation import GenerationMode

from tests.openapi.native_services import Apis

MODEL = "sandbox/video"
SEGMENTS = {"step_0": "sandbox", "step_1": "video"}
KEY_HEADERS = frozenset({"authorization", "x-api-key", "x-bf-vk"})
FIELDS: Mapping[str, Sequence[Any]] = {
    "model": (MODEL, "sora-2", ""),
    "seconds": ("4", 8),
    "size": ("1280x720",),
    "prompt": ("a cat",),
    "url": ("https://hooks.example/x",),
    "modality": ("video",),
}
"""Values of a body's fields that are valid, and some that are close to it."""


@st.composite
def requests(draw: st.DrawFn, operation: Any, apis: Apis) -> Any:
    """Draw a valid or an invalid request, and change a part of it to known values."""
    modes = (GenerationMode.POSITIVE, GenerationMode.NEGATIVE)
    case: Case[Any] = draw(st.one_of(*(operation.as_strategy(mode) for mode in modes)))
    if draw(st.integers(0, 9)):  # else most cases only show that a wrong key is refused
        for name in [name for name in case.headers or {} if name.lower() in KEY_HEADERS]:
            case.headers.pop(name)
    is_shorter: bool = draw(st.booleans())
    if case.query and is_shorter:
        kept = [name for name in case.query if draw(st.booleans())]
        case.query = {name: case.query[name] for name in kept}
    known = known_parts(apis)
    for name in case.path_parameters or {}:
        if name in known and draw(st.booleans()):
            case.path_parameters[name] = draw(st.sampled_from(known[name]))
    if isinstance(case.body, dict) and draw(st.booleans()):
        case.body = draw(_plainer(case.body))
    return case


@st.composite
def _plainer(draw: st.DrawFn, body: dict[str, Any]) -> dict[str, Any]:
    """Draw a part of a body's fields, those with known values changed to them."""
    kept = {name: value for name, value in body.items() if name in FIELDS or draw(st.booleans())}
    return {
        name: draw(st.sampled_from(FIELDS[name])) if name in FIELDS else value
        for name, value in kept.items()
    }


def known_parts(apis: Apis) -> dict[str, tuple[str, ...]]:
    """Return values of the variables in URLs; some are another account's."""
    caller, owner = apis.api.caller, apis.api.owner
    return {
        "job_id": (
            *(caller.job, caller.finished_job, *apis.ended_jobs),
            *(f"{caller.job}:sandbox", owner.job),
        ),
        "endpoint_id": (caller.endpoint, owner.endpoint),
        "message_id": (caller.message, owner.message),
        "name": (MODEL, "sandbox", "sandbox/none"),
        "key_id": (caller.key.split("_")[1], owner.key.split("_")[1]),
        "account": ("alice", "bob"),
        **{name: (segment,) for name, segment in SEGMENTS.items()},
    }
