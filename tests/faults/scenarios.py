"""All kinds of fault."""

from typing import Any

from tests.faults.fault_kinds import AwsFault, Effect, FaultKind, Place, UpstreamFault

STEPS = frozenset({"submit", "poll", "collect", "finish"})
WRITES = frozenset({"PutItem", "UpdateItem", "TransactWriteItems"})
ROWS = WRITES | {"GetItem", "Query"}
START, API = frozenset({"StartExecution"}), frozenset({"api"})
PUT, PARTS, COMPLETE = "PutObject", "UploadPart", "CompleteMultipartUpload"


def _upstream(name: str, place: Place | None = None, **fields: object) -> UpstreamFault:
    """Return a fault of a place, by default of the place before the colon of its name."""
    named: Any = name.partition(":")[0]
    return UpstreamFault(name, place or named, **fields)  # type: ignore[arg-type]


def _output(name: str, **fields: object) -> UpstreamFault:
    return _upstream(f"output: {name}", "download", **fields)


def _before(name: str, effect: Effect, **fields: object) -> AwsFault:
    return AwsFault(name, "aws", effect=effect, phase="before", **fields)  # type: ignore[arg-type]


def _after(name: str, effect: Effect, **fields: object) -> AwsFault:
    return AwsFault(name, "aws", effect=effect, phase="after", **fields)  # type: ignore[arg-type]


def _interleaved(name: str, action: str, functions: frozenset[str] = STEPS) -> AwsFault:
    return _before(name, "interleave", action=action, functions=functions)


SERVER_ERRORS = (500, 502, 503, 504)
BODIES = ("HTML", "empty", "truncated JSON", "wrong types")
LATER = {"Retry-After": "7"}

CREATE = (
    _upstream("create: 429 without Retry-After", commits=False, statuses=(429,), times=2),
    _upstream("create: 429 with Retry-After", commits=False, statuses=(429,), headers=LATER),
    _upstream("create: 500-504, nothing made", commits=False, statuses=SERVER_ERRORS),
    _upstream("create: 500-504, but made", statuses=SERVER_ERRORS),
    _upstream("create: connection refused", commits=False, corruption="refused"),
    _upstream("create: reset, nothing made", commits=False, corruption="reset"),
    _upstream("create: reset before headers, made", corruption="reset"),
    _upstream("create: reset in the body, made", corruption="cut"),
    _upstream("create: accepted, we timed out", corruption="hang"),
    *(_upstream(f"create: {body}, made", corruption=body, share=0.055) for body in BODIES),
)
POLL = (
    _upstream("poll: 429", statuses=(429,), headers={"Retry-After": "3"}),
    _upstream("poll: 500-504", statuses=SERVER_ERRORS, times=2),
    _upstream("poll: connection refused", corruption="refused"),
    _upstream("poll: reset before headers", corruption="reset"),
    _upstream("poll: reset in the body", corruption="cut"),
    _upstream("poll: no answer in time", corruption="hang"),
    *(_upstream(f"poll: {body}", corruption=body) for body in BODIES),
    _upstream("poll: unknown status", corruption="unknown status"),
    _upstream("poll: status goes backwards", corruption="backwards"),
    _upstream("poll: progress over 100", corruption="progress"),
    _upstream("poll: 404 for a while", statuses=(404,), times=3),
    _upstream("poll: the provider failed", corruption="failed"),
)
LOOKUP = (
    _upstream("lookup: 503", statuses=(503,), share=0.3),
    _upstream("lookup: HTML", corruption="HTML", share=0.3),
    _upstream("lookup: reset in the body", corruption="cut", share=0.3),
)
"""Only unconfirmed submissions are looked up."""
DOWNLOAD = (
    _output("link expired", statuses=(403, 410), times=2),
    _output("5xx", statuses=SERVER_ERRORS),
    _output("shorter than declared", corruption="cut", times=2),
    _output("chunks break off", corruption="cut chunks", times=2),
    _output("length unknown", corruption="chunks", times=9, share=0.2),
    _output("zero bytes", corruption="empty"),
    _output("HTML as mp4", corruption="HTML"),
)
STORE: dict[str, object] = {"operations": {PUT, COMPLETE}, "functions": {"collect"}, "share": 0.1}
ANY_WRITE: dict[str, object] = {"operations": WRITES, "max_call": 8}
NOTE_ID: dict[str, object] = {"operations": WRITES, "functions": {"submit"}, "guard": "created"}
ANY_STEP: dict[str, object] = {"functions": STEPS, "max_call": 12}
PUBLISH: dict[str, object] = {"operations": {"PutEvents"}, "max_call": 2}
AWS = (
    _before("api crashes before StartExecution", "crash", operations=START, functions=API),
    _after("api crashes after StartExecution", "crash", operations=START, functions=API),
    _after("api crashes anywhere", "crash", functions=API, max_call=4),
    _before("StartExecution throttled", "throttle", operations=START),
    _after("StartExecution done, answer lost", "lose answer", operations=START),
    _before("DynamoDB throttled", "throttle", operations=ROWS, max_call=20),
    _before("DynamoDB throttled once", "throttle", operations=ROWS, max_call=20, once=True),
    _before("DynamoDB conflict", "conflict", **ANY_WRITE),
    _before("DynamoDB done, answer lost once", "lose answer", **ANY_WRITE, once=True),
    _after("DynamoDB done, answer lost", "lose answer", **ANY_WRITE),
    _before("a function crashes before a call", "crash", **ANY_STEP),
    _after("a function crashes after a call", "crash", **ANY_STEP),
    _before("crash before the upstream id is stored", "crash", **NOTE_ID),
    _after("crash after the terminal write", "crash", operations=WRITES, functions={"finish"}),
    _before("S3 put refused", "throttle", operations={PUT}, functions={"collect"}, share=0.12),
    _before("S3 part refused", "throttle", operations={PARTS, COMPLETE}, max_call=2, share=0.3),
    _after("S3 done, answer lost", "lose answer", **STORE),
    _after("S3 stored, row not updated", "crash", **STORE),
    _before("Secrets Manager throttled", "throttle", operations={"GetSecretValue"}, share=0.25),
    _before("PutEvents throttled", "throttle", **PUBLISH),
    _before("PutEvents refuses entries", "refuse entries", **PUBLISH),
    _after("PutEvents done, answer lost", "lose answer", **PUBLISH),
    _interleaved("cancel in the middle of a step", "cancel"),
    _interleaved("delete in the middle of a step", "delete"),
    _interleaved("sweep in the middle of a step", "sweep"),
    _interleaved("execution stopped in a step", "stop"),
    _interleaved("a step runs twice at once", "again"),
    _interleaved("the same POST twice at once", "post", API),
)
CLIENT = (
    FaultKind("client: POST's answer lost, sent again", "client", 0.12),
    FaultKind("client: cancels", "client"),
    FaultKind("client: deletes", "client"),
)
MACHINE = (
    FaultKind("Lambda throttled", "machine"),
    FaultKind("Lambda's answer lost", "machine"),
    FaultKind("execution stopped between steps", "machine"),
)
ANY_SWEEP: dict[str, object] = {"functions": {"sweep"}, "max_call": 30, "share": 0.15}
SWEEP_EVENTS: dict[str, object] = {"operations": {"PutEvents"}, "functions": {"sweep"}}
SWEEP = (
    _before("sweeps overlap", "interleave", action="sweep", **ANY_SWEEP),
    _before("sweep crashes before a call", "crash", **ANY_SWEEP),
    _after("sweep crashes after a call", "crash", **ANY_SWEEP),
    _before("sweep: a call throttled", "throttle", **ANY_SWEEP),
    _after("sweep: a call done, answer lost", "lose answer", **ANY_SWEEP),
    _before("sweep: PutEvents refuses entries", "refuse entries", share=0.3, **SWEEP_EVENTS),
)
"""Faults of one sweep, not of a job."""

FAULT_KINDS: dict[str, FaultKind] = {
    kind.name: kind for kind in (*CREATE, *LOOKUP, *POLL, *DOWNLOAD, *AWS, *CLIENT, *MACHINE)
}

BAD_BODIES = frozenset(kind.name for kind in CREATE if kind.corruption in BODIES)
UNKNOWN = BAD_BODIES | {
    *(kind.name for kind in CREATE if kind.commits or kind.statuses == SERVER_ERRORS),
    "create: reset, nothing made",
    *(kind.name for kind in AWS if kind.operations >= WRITES and not kind.once),
    *(kind.name for kind in AWS if kind.effect == "crash" and kind.functions >= {"submit"}),
    "Lambda's answer lost",
    "a step runs twice at once",
    "execution stopped between steps",
    "execution stopped in a step",
}
"""Faults that can leave the outcome of the create call unknown."""
REASONS: dict[str, frozenset[str]] = {
    "upstream_failed": frozenset({"poll: the provider failed"}),
    "bad_output": frozenset({"output: zero bytes", "output: HTML as mp4"}),
    "upstream_bad_response": BAD_BODIES,
    "upstream_outcome_unknown": frozenset(UNKNOWN),
}
"""By error code: the faults that explain it."""
