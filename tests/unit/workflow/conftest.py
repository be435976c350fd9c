import pytest

from tests.harness import CREATE, Harness, video


@pytest.fixture
def harness() -> Harness:
    """The core with a provider that accepts every create call."""
    harness = Harness()
    harness.answer(CREATE, video("queued"))
    return harness
