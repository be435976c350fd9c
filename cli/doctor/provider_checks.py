"""Checks of the published configuration and the providers' secrets."""

from cli.doctor.answer import Answer, Check, all_hold, failed, passed
from cli.doctor.deployment import Deployment
from rushes.aws.secrets import parse_credential, read_secret
from rushes.catalog.models import Catalog
from rushes.catalog.source import BUILT_IN
from rushes.errors import CorruptConfig, ProviderNotConfigured

PUSH = "`./rushes config push`"


def configuration(deployment: Deployment) -> Answer:
    try:
        current = deployment.configuration
    except CorruptConfig as error:
        return failed(error.message, f"{PUSH}, or `./rushes config rollback`")
    if current.number == BUILT_IN:
        return failed("no configuration is published: the only provider is the sandbox", PUSH)
    return passed(f"version {current.number}: {len(current.catalog.models)} models")


def secrets(deployment: Deployment) -> Answer:
    client, prefix = deployment.client("secretsmanager"), deployment.target.secrets
    problems = []
    for name in _providers_with_keys(deployment.configuration.catalog):
        text = read_secret(client, f"{prefix}/{name}")
        if text is None:
            problems.append(f"{name} has no secret")
            continue
        try:
            parse_credential(name, text)
        except ProviderNotConfigured as error:
            problems.append(error.message)
    fix = "`./rushes provider set-key NAME`, or remove the provider from rushes.toml"
    return all_hold(problems, "each provider has its secret", fix)


def _providers_with_keys(catalog: Catalog) -> list[str]:
    """Return the providers that have models and are not signed for by the functions' role."""
    used = {model.provider for model in catalog.models}
    return [
        name
        for name, entry in sorted(catalog.providers.items())
        if name in used and entry.credential != "aws_role"
    ]


CHECKS = (Check("providers.configuration", configuration), Check("providers.secrets", secrets))
