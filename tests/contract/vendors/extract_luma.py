"""Write published/luma.json: the create request, states and failure codes of luma-agents.

Run `python -m tests.contract.vendors.extract_luma [file]`.
"""

from importlib.metadata import version

from luma_agents.types import Generation, GenerationFailureCode, GenerationOutput
from luma_agents.types.generation_create_params import GenerationCreateParams

from tests.contract.vendors.published_files import write
from tests.contract.vendors.typed_dicts import schema_of

PACKAGE = "luma-agents"


def main() -> None:
    document = {
        "package": PACKAGE,
        "version": version(PACKAGE),
        "requests": {"/generations": schema_of(GenerationCreateParams)},
        "statuses": schema_of(Generation.model_fields["state"].annotation)["enum"],
        "failure_codes": schema_of(GenerationFailureCode)["enum"],
        "output": list(GenerationOutput.model_fields),
    }
    write("luma", document)


if __name__ == "__main__":
    main()
