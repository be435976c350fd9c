"""Check the input files of a request against the roles of a provider's API."""

from rushes.errors import InvalidInputFile
from rushes.jobs.request import GenerationRequest, Role


def check_roles(request: GenerationRequest, provider: str, *roles: Role) -> None:
    """Refuse a file that the create call would drop because the catalog declares too much.

    Raises
    ------
    InvalidInputFile
    """
    for given in request.inputs:
        if given.role not in roles:
            raise InvalidInputFile(f"{provider} does not accept {given.role.value}")
