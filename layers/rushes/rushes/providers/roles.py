"""Files that a provider has a place for."""

from rushes.errors import InvalidInputFile
from rushes.jobs.request import GenerationRequest, Role


def check_roles(request: GenerationRequest, provider: str, *roles: Role) -> None:
    """Refuse files that would be left behind, however the catalog came to promise them.

    Raises
    ------
    BadInputFile
    """
    for given in request.inputs:
        if given.role not in roles:
            raise InvalidInputFile(f"{provider} cannot be given a file as {given.role.value}")
