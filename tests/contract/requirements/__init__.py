"""The requirements of the four source documents, with a check of each."""

import tomllib
from pathlib import Path

from tests.contract.requirements.bifrost_client import BIFROST_CLIENT
from tests.contract.requirements.bifrost_upstream import BIFROST_UPSTREAM
from tests.contract.requirements.pipelet_client import PIPELET_CLIENT
from tests.contract.requirements.pipelet_upstream import PIPELET_UPSTREAM
from tests.contract.requirements.requirement import Requirement
from tests.contract.requirements.tiyaro_client import TIYARO_CLIENT
from tests.contract.requirements.tiyaro_upstream import TIYARO_UPSTREAM
from tests.contract.requirements.together_client import TOGETHER_CLIENT
from tests.contract.requirements.together_upstream import TOGETHER_UPSTREAM

DOCUMENTS = (
    *(BIFROST_CLIENT, BIFROST_UPSTREAM, PIPELET_CLIENT, PIPELET_UPSTREAM),
    *(TIYARO_CLIENT, TIYARO_UPSTREAM, TOGETHER_CLIENT, TOGETHER_UPSTREAM),
)
REQUIREMENTS: tuple[Requirement, ...] = tuple(
    requirement for requirements in DOCUMENTS for requirement in requirements.rows
)


def exceptions() -> dict[str, str]:
    """Return the reason by id of each requirement that does not work."""
    text = Path(__file__).with_name("exceptions.toml").read_text("utf-8")
    reasons: dict[str, str] = tomllib.loads(text)
    return reasons
