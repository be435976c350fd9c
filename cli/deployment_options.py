"""The options of each command that is about a deployment: `--stack`, `--local` and `--env-file`."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from cli.api import Api, client_api, find_api
from cli.target import Target, find_target

PARAMETER = "deployment"
"""Name of the parameter by which a command receives the options."""


@dataclass(frozen=True)
class DeploymentOptions:
    stack: Annotated[
        str | None,
        typer.Option("--stack", help="Name of a stack on AWS; or the variable RUSHES_STACK."),
    ] = None
    local: Annotated[bool, typer.Option("--local", help="The local stack (`rushes up`).")] = False
    env_file: Annotated[
        Path | None,
        typer.Option("--env-file", help="A local stack by its stack.env, in place of --local."),
    ] = None

    def target(self) -> Target:
        """Return the deployment, on the operator's AWS credentials."""
        return find_target(self.stack, local=self.local, env_file=self.env_file)

    def api(self) -> Api:
        """Return the API of the deployment."""
        return find_api(self.stack, local=self.local, env_file=self.env_file)

    def client_api(self) -> Api | None:
        """Return the API if the profile is a client's, not an operator's."""
        return client_api(self.stack, local=self.local, env_file=self.env_file)


NO_OPTIONS = DeploymentOptions()


def with_deployment(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options in place of its parameter `deployment`, for Typer."""
    signature = inspect.signature(command)
    options = inspect.signature(DeploymentOptions).parameters
    parameters: list[inspect.Parameter] = []
    for name, parameter in signature.parameters.items():
        parameters += options.values() if name == PARAMETER else [parameter]

    def run(**arguments: Any) -> None:  # noqa: ANN401 - the values of the command's options
        chosen = DeploymentOptions(**{name: arguments.pop(name) for name in options})
        command(**arguments, **{PARAMETER: chosen})

    named: Any = run
    named.__name__, named.__doc__ = command.__name__, command.__doc__
    named.__signature__ = signature.replace(parameters=parameters)
    return run
