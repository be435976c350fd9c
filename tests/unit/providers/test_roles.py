from typing import Any

import pytest

from rushes.errors import InvalidInputFile
from rushes.jobs.request import Role
from rushes.providers.fal_queue.fal_queue import Pipelet
from rushes.providers.google.gemini import Gemini
from rushes.providers.google.vertex import Vertex
from rushes.providers.runway.adapter import Runway
from tests.unit.providers.job import job, with_role


@pytest.mark.parametrize(
    ("provider", "role"),
    [
        *((Pipelet(), Role.REFERENCE), (Pipelet(), Role.SOURCE_VIDEO)),
        *((Gemini(), Role.SOURCE_VIDEO), (Vertex(), Role.AUDIO)),
        *((Runway(), Role.REFERENCE), (Runway(), Role.AUDIO)),
    ],
)
def test_unsupported_file_is_refused_by_role(provider: Any, role: Role):
    with pytest.raises(InvalidInputFile, match=role.value):
        provider.submit_request(job(inputs=(with_role(role),)))
