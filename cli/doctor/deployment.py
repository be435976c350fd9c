"""The deployment that is examined: its stack, functions and configuration, each read once."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import httpx

from cli.publication import Publisher
from cli.target import Target
from rushes.catalog.source import CatalogVersion

TIMEOUT = httpx.Timeout(15)
FUNCTIONS = (
    *("ApiFunction", "SubmitFunction", "PollFunction", "CollectFunction", "FinishFunction"),
    *("SweepFunction", "NotifyFunction", "DeliverFunction"),
)
"""Logical ids of the template."""
ALIAS = "live"
"""SAM names its resource after the function and the alias."""


@dataclass
class Deployment:
    """`jobs_per_second` is the rate that the quotas should allow."""

    target: Target
    jobs_per_second: float = 5.0
    _clients: dict[str, Any] = field(default_factory=dict)

    @cached_property
    def stack(self) -> Mapping[str, Any]:
        found: Mapping[str, Any] = self.client("cloudformation").describe_stacks(
            StackName=self.target.stack
        )["Stacks"][0]
        return found

    @cached_property
    def outputs(self) -> Mapping[str, str]:
        return {one["OutputKey"]: one["OutputValue"] for one in self.stack.get("Outputs", ())}

    @cached_property
    def parameters(self) -> Mapping[str, str]:
        found = self.stack.get("Parameters", ())
        return {one["ParameterKey"]: one.get("ParameterValue", "") for one in found}

    @cached_property
    def resources(self) -> Mapping[str, tuple[str, str]]:
        """Return type and physical id by logical id."""
        pages = self.client("cloudformation").get_paginator("list_stack_resources")
        return {
            one["LogicalResourceId"]: (one["ResourceType"], one.get("PhysicalResourceId", ""))
            for page in pages.paginate(StackName=self.target.stack)
            for one in page["StackResourceSummaries"]
        }

    def physical(self, logical_id: str) -> str:
        return self.resources[logical_id][1]

    def of_type(self, resource_type: str) -> dict[str, str]:
        """Return the physical ids of a type by logical id."""
        return {
            logical_id: physical
            for logical_id, (kind, physical) in self.resources.items()
            if kind == resource_type
        }

    @cached_property
    def functions(self) -> Mapping[str, Mapping[str, Any]]:
        """Return the configuration of each function, in the version in force, by logical id."""
        client = self.client("lambda")
        return {
            name: client.get_function_configuration(FunctionName=self.invoked(name))
            for name in FUNCTIONS
            if name in self.resources
        }

    def invoked(self, name: str) -> str:
        """Return the name of a function with its alias; an older release has none."""
        has_alias = f"{name}Alias{ALIAS}" in self.resources
        return f"{self.physical(name)}:{ALIAS}" if has_alias else self.physical(name)

    @cached_property
    def table(self) -> Mapping[str, Any]:
        described: Mapping[str, Any] = self.client("dynamodb").describe_table(
            TableName=self.target.table
        )["Table"]
        return described

    @cached_property
    def configuration(self) -> CatalogVersion:
        """Return the published version in force; CorruptConfig if it cannot be read."""
        return Publisher(self.target.store, "").current()

    @property
    def url(self) -> str:
        """Base URL of the API."""
        return self.target.url or self.outputs["ApiUrl"]

    @cached_property
    def http(self) -> httpx.Client:
        return httpx.Client(base_url=self.url, timeout=TIMEOUT)

    def client(self, service: str) -> Any:  # noqa: ANN401 - boto3
        if service not in self._clients:
            self._clients[service] = self.target.client(service)
        return self._clients[service]

    def now(self) -> float:
        return time.time()
