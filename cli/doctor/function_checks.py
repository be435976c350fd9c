"""Checks of the functions' configuration and layers."""

import io
import zipfile
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

import httpx

from cli.doctor.answer import Answer, Check, all_hold, failed, passed, unknown
from cli.doctor.deployment import Deployment

RUNTIME = "python3.13"
MEMORY = 1024
"""MB of the functions below, by what they hold (see the template)."""
LARGE = ("ApiFunction", "SubmitFunction", "PollFunction", "CollectFunction")
LAYERS = 2
BYTECODE = ".cpython-313.pyc"
REDEPLOY = "deploy the stack again"
NO_LAMBDA = "the local stack runs the functions in an interpreter of this machine"


def state(deployment: Deployment) -> Answer:
    problems = [
        f"{name}: {found.get('State')}, last update {found.get('LastUpdateStatus')}"
        for name, found in deployment.functions.items()
        if found.get("State", "Active") not in ("Active", "Inactive")
        or found.get("LastUpdateStatus", "Successful") == "Failed"
    ]
    fix = "see the function's StateReason; deploy the stack again"
    return all_hold(problems, f"{len(deployment.functions)} functions are ready", fix)


def runtime(deployment: Deployment) -> Answer:
    problems = _differing(deployment, lambda found: found.get("Runtime"), RUNTIME)
    return all_hold(problems, f"all functions run on {RUNTIME}", REDEPLOY)


def architecture(deployment: Deployment) -> Answer:
    expected = deployment.parameters.get("Architecture", "arm64")
    problems = _differing(
        deployment, lambda found: found.get("Architectures", ["x86_64"])[0], expected
    )
    fix = f"run `make build ARCH={expected}` and deploy again"
    return all_hold(problems, f"all functions run on {expected}", fix)


def memory(deployment: Deployment) -> Answer:
    problems = [
        f"{name}: {size} MB"
        for name in LARGE
        if (size := deployment.functions[name]["MemorySize"]) < MEMORY
    ]
    fix = f"give these functions {MEMORY} MB or more: large replies end them otherwise"
    return all_hold(problems, f"api, submit, poll and collect have at least {MEMORY} MB", fix)


def layers(deployment: Deployment) -> Answer:
    used = Counter(
        tuple(sorted(layer["Arn"] for layer in found.get("Layers", ())))
        for found in deployment.functions.values()
    )
    (versions, count), *others = used.most_common()
    if others:
        return failed(
            f"{sum(used.values()) - count} functions have other layer versions than the rest",
            "deploy the stack again: a mixed release reads items it does not know",
        )
    if len(versions) != LAYERS:
        return failed(f"the functions have {len(versions)} layers, not {LAYERS}", REDEPLOY)
    return passed("all functions have the same versions of both layers")


def bytecode(deployment: Deployment) -> Answer:
    """Look into the layers' archives: without bytecode a cold start takes twice as long."""
    arns = [layer["Arn"] for layer in deployment.functions["ApiFunction"].get("Layers", ())]
    client = deployment.client("lambda")
    for arn in arns:
        url = client.get_layer_version_by_arn(Arn=arn)["Content"]["Location"]
        archive = zipfile.ZipFile(io.BytesIO(httpx.get(url, timeout=60).content))
        if not any(name.endswith(BYTECODE) for name in archive.namelist()):
            return failed(
                f"layer {arn.split(':')[-2]} has no bytecode: cold starts take twice as long",
                "run `make build` with Python 3.13 and deploy again",
            )
    return passed(f"{len(arns)} layers have bytecode")


def sdk(deployment: Deployment) -> Answer:
    """The version of boto3 belongs to the runtime; Lambda reports the runtime's version only."""
    versions = {
        found.get("RuntimeVersionConfig", {}).get("RuntimeVersionArn", "").rpartition(":")[2][:12]
        for found in deployment.functions.values()
    }
    return unknown(f"Lambda does not report boto3's version; runtime version {', '.join(versions)}")


def _differing(
    deployment: Deployment, value: Callable[[Mapping[str, Any]], object], expected: str
) -> list[str]:
    return [
        f"{name}: {value(found)}"
        for name, found in deployment.functions.items()
        if value(found) != expected
    ]


CHECKS = (
    Check("functions.state", state),
    Check("functions.runtime", runtime),
    Check("functions.architecture", architecture),
    Check("functions.memory", memory),
    Check("functions.layers", layers),
    Check("functions.bytecode", bytecode, not_local=NO_LAMBDA),
    Check("functions.boto3", sdk),
)
