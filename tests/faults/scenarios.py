"""All kinds of fault there are."""

from tests.faults.fault_kinds import AwsFault, Effect, Kind, Mood, Place

STEPS = frozenset({"submit", "poll", "collect", "finish"})
WRITES = frozenset({"PutItem", "UpdateItem", "TransactWriteItems"})
ROWS = WRITES | {"GetItem", "Query"}
START, PUT, PARTS = "StartExecution", "PutObject", "UploadPart"


def _mood(place: Place, name: str, **facts: object) -> Mood:
    return Mood(name, place, **facts)  # type: ignore[arg-type]


def _aws(name: str, effect: Effect, phase: str, **facts: object) -> AwsFault:
    return AwsFault(name, "aws", effect=effect, phase=phase, **facts)  # type: ignore[arg-type]


TROUBLES = (500, 502, 503, 504)
BODIES = ("HTML", "empty", "truncated JSON", "wrong types")

CREATE = (
    _mood("create", "create: 429 without Retry-After", commits=False, statuses=(429,), times=2),
    _mood(
        "create",
        "create: 429 with Retry-After",
        commits=False,
        statuses=(429,),
        headers={"Retry-After": "7"},
    ),
    _mood("create", "create: 500-504, nothing made", commits=False, statuses=TROUBLES),
    _mood("create", "create: 500-504, but made", statuses=TROUBLES),
    _mood("create", "create: connection refused", commits=False, spoils="refused"),
    _mood("create", "create: reset, nothing made", commits=False, spoils="reset"),
    _mood("create", "create: reset before headers, made", spoils="reset"),
    _mood("create", "create: reset in the body, made", spoils="cut"),
    _mood("create", "create: accepted, we timed out", spoils="hang"),
    *(_mood("create", f"create: {it}, made", spoils=it, share=0.055) for it in BODIES),
)
POLL = (
    _mood("poll", "poll: 429", statuses=(429,), headers={"Retry-After": "3"}),
    _mood("poll", "poll: 500-504", statuses=TROUBLES, times=2),
    _mood("poll", "poll: connection refused", spoils="refused"),
    _mood("poll", "poll: reset before headers", spoils="reset"),
    _mood("poll", "poll: reset in the body", spoils="cut"),
    _mood("poll", "poll: no answer in time", spoils="hang"),
    *(_mood("poll", f"poll: {it}", spoils=it) for it in BODIES),
    _mood("poll", "poll: unknown status", spoils="unknown status"),
    _mood("poll", "poll: status goes backwards", spoils="backwards"),
    _mood("poll", "poll: progress over 100", spoils="progress"),
    _mood("poll", "poll: 404 for a while", statuses=(404,), times=3),
    _mood("poll", "poll: the provider failed", spoils="failed"),
)
FIND = (
    _mood("lookup", "search: 503", statuses=(503,), share=0.3),
    _mood("lookup", "search: HTML", spoils="HTML", share=0.3),
    _mood("lookup", "search: reset in the body", spoils="cut", share=0.3),
)
"""Only who does not know what became of its create call looks for it."""
DOWNLOAD = (
    _mood("download", "output: link expired", statuses=(403, 410), times=2),
    _mood("download", "output: 5xx", statuses=TROUBLES),
    _mood("download", "output: shorter than announced", spoils="cut", times=2),
    _mood("download", "output: chunks break off", spoils="cut chunks", times=2),
    _mood("download", "output: length not told", spoils="chunks", times=9, share=0.2),
    _mood("download", "output: zero bytes", spoils="empty"),
    _mood("download", "output: HTML as mp4", spoils="HTML"),
)
AWS = (
    _aws("api dies before StartExecution", "die", "before", operations={START}, functions={"api"}),
    _aws("api dies after StartExecution", "die", "after", operations={START}, functions={"api"}),
    _aws("api dies anywhere", "die", "after", functions={"api"}, most=4),
    _aws("StartExecution throttled", "throttle", "before", operations={START}),
    _aws("StartExecution done, answer lost", "lose answer", "after", operations={START}),
    _aws("DynamoDB throttled", "throttle", "before", operations=ROWS, most=20),
    _aws("DynamoDB throttled once", "throttle", "before", operations=ROWS, most=20, once=True),
    _aws("DynamoDB conflict", "conflict", "before", operations=WRITES, most=8),
    _aws(
        "DynamoDB done, answer lost once",
        "lose answer",
        "before",
        operations=WRITES,
        most=8,
        once=True,
    ),
    _aws("DynamoDB done, answer lost", "lose answer", "after", operations=WRITES, most=8),
    _aws("a function dies before a call", "die", "before", functions=STEPS, most=12),
    _aws("a function dies after a call", "die", "after", functions=STEPS, most=12),
    _aws(
        "dies before the upstream id is noted",
        "die",
        "before",
        operations=WRITES,
        functions={"submit"},
        guard="created",
    ),
    _aws("dies after the terminal write", "die", "after", operations=WRITES, functions={"finish"}),
    _aws(
        "S3 put refused", "throttle", "before", operations={PUT}, functions={"collect"}, share=0.12
    ),
    _aws(
        "S3 part refused",
        "throttle",
        "before",
        operations={PARTS, "CompleteMultipartUpload"},
        most=2,
        share=0.3,
    ),
    _aws(
        "S3 done, answer lost",
        "lose answer",
        "after",
        operations={PUT, "CompleteMultipartUpload"},
        functions={"collect"},
        share=0.1,
    ),
    _aws(
        "S3 stored, row not updated",
        "die",
        "after",
        operations={PUT, "CompleteMultipartUpload"},
        functions={"collect"},
        share=0.1,
    ),
    _aws(
        "Secrets Manager throttled",
        "throttle",
        "before",
        operations={"GetSecretValue"},
        share=0.25,
    ),
    _aws("PutEvents throttled", "throttle", "before", operations={"PutEvents"}, most=2),
    _aws("PutEvents refuses entries", "refuse entries", "before", operations={"PutEvents"}, most=2),
    _aws("PutEvents done, answer lost", "lose answer", "after", operations={"PutEvents"}, most=2),
    _aws("cancel in the middle of a step", "meanwhile", "before", functions=STEPS, action="cancel"),
    _aws("delete in the middle of a step", "meanwhile", "before", functions=STEPS, action="delete"),
    _aws("sweep in the middle of a step", "meanwhile", "before", functions=STEPS, action="sweep"),
    _aws("execution stopped in a step", "meanwhile", "before", functions=STEPS, action="stop"),
    _aws("a step runs twice at once", "meanwhile", "before", functions=STEPS, action="again"),
    _aws("the same POST twice at once", "meanwhile", "before", functions={"api"}, action="post"),
)
CLIENT = (
    Kind("client: POST's answer lost, sent again", "client", 0.12),
    Kind("client: cancels", "client"),
    Kind("client: deletes", "client"),
)
MACHINE = (
    Kind("Lambda throttled", "machine"),
    Kind("Lambda's answer lost", "machine"),
    Kind("execution stopped between steps", "machine"),
)
LOOKING_AFTER = {"functions": {"sweep"}, "most": 30, "share": 0.15}
SWEEP = (
    _aws("sweeps overlap", "meanwhile", "before", action="sweep", **LOOKING_AFTER),
    _aws("sweep dies before a call", "die", "before", **LOOKING_AFTER),
    _aws("sweep dies after a call", "die", "after", **LOOKING_AFTER),
    _aws("sweep: a call throttled", "throttle", "before", **LOOKING_AFTER),
    _aws("sweep: a call done, answer lost", "lose answer", "after", **LOOKING_AFTER),
    _aws(
        "sweep: PutEvents refuses entries",
        "refuse entries",
        "before",
        operations={"PutEvents"},
        functions={"sweep"},
        share=0.3,
    ),
)
"""Of one run of the sweeper, not of a job."""

KINDS: dict[str, Kind] = {
    kind.name: kind for kind in (*CREATE, *FIND, *POLL, *DOWNLOAD, *AWS, *CLIENT, *MACHINE)
}

BAD_BODIES = frozenset(kind.name for kind in CREATE if kind.spoils in BODIES)
UNKNOWN = BAD_BODIES | {
    *(kind.name for kind in CREATE if kind.commits or kind.statuses == TROUBLES),
    "create: reset, nothing made",
    *(kind.name for kind in AWS if kind.operations >= WRITES and not kind.once),
    *(kind.name for kind in AWS if kind.effect == "die" and kind.functions >= {"submit"}),
    "Lambda's answer lost",
    "a step runs twice at once",
    "execution stopped between steps",
    "execution stopped in a step",
}
"""After these, nobody may be able to tell whether the provider has the job."""
REASONS: dict[str, frozenset[str]] = {
    "upstream_failed": frozenset({"poll: the provider failed"}),
    "bad_output": frozenset({"output: zero bytes", "output: HTML as mp4"}),
    "upstream_bad_response": BAD_BODIES,
    "upstream_outcome_unknown": frozenset(UNKNOWN),
}
"""For each way to fail, what must have happened before."""
