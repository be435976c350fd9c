"""A template as CloudFormation sees it with given parameters: without conditions and parameters."""

import re
from collections.abc import Mapping
from typing import Any

ABSENT = {"Ref": "AWS::NoValue"}


class Resolver:
    def __init__(self, template: Mapping[str, Any], parameters: Mapping[str, str]) -> None:
        self._values: dict[str, str | int] = {
            name: value for name, value in parameters.items() if name.startswith("AWS::")
        }
        for name, parameter in template.get("Parameters", {}).items():
            value = parameters.get(name, parameter.get("Default", ""))
            self._values[name] = int(value) if parameter["Type"] == "Number" else str(value)
        self._conditions = template.get("Conditions", {})
        self._resources = template["Resources"]

    def template(self) -> dict[str, Any]:
        """Return the template with the resources that exist."""
        resources = {
            name: self._resolve({key: part for key, part in resource.items() if key != "Condition"})
            for name, resource in self._resources.items()
            if "Condition" not in resource or self._holds({"Condition": resource["Condition"]})
        }
        return {"AWSTemplateFormatVersion": "2010-09-09", "Resources": resources}

    def _resolve(self, value: Any) -> Any:  # noqa: ANN401 - JSON
        match value:
            case list():
                entries = [self._resolve(entry) for entry in value]
                resolved: Any = [entry for entry in entries if entry != ABSENT]
            case {"Fn::If": [name, yes, no]}:
                resolved = self._resolve(yes if self._holds({"Condition": name}) else no)
            case {"Ref": name}:
                resolved = self._values.get(name, value)
            case {"Fn::Sub": str(text)}:
                resolved = self._substitute(text)
            case dict():
                members = {name: self._resolve(member) for name, member in value.items()}
                resolved = {name: member for name, member in members.items() if member != ABSENT}
            case _:
                resolved = value
        return resolved

    def _substitute(self, text: str) -> Any:  # noqa: ANN401 - JSON
        def known(name: re.Match[str]) -> str:
            return str(self._values.get(name[1], name[0]))

        replaced = re.sub(r"\$\{(\w+)\}", known, text)
        return {"Fn::Sub": replaced} if "${" in replaced else replaced

    def _holds(self, condition: Any) -> bool:  # noqa: ANN401 - JSON
        ((function, argument),) = condition.items()
        match function:
            case "Condition":
                return self._holds(self._conditions[argument])
            case "Fn::Equals":
                one, other = (str(self._resolve(side)) for side in argument)
                return one == other
            case "Fn::Not":
                return not self._holds(argument[0])
            case "Fn::And":
                return all(self._holds(part) for part in argument)
            case "Fn::Or":
                return any(self._holds(part) for part in argument)
            case _:
                raise ValueError(f"unknown function in a condition: {function}")
