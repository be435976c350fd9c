"""Names that resemble an unknown one."""

import pytest

from rushes.catalog.similar_names import similar_names

NAMES = ("sora-2", "sora-2-pro", "fal/fal-ai/veo3.1/fast", "fal/fal-ai/veo3.1", "runway/gen4.5")


@pytest.mark.parametrize(
    ("unknown", "similar"),
    [
        ("sora-3", ["sora-2", "sora-2-pro"]),
        ("Sora-2 ", ["sora-2", "sora-2-pro"]),
        ("fal-ai/veo3.1/fast", ["fal/fal-ai/veo3.1/fast", "fal/fal-ai/veo3.1"]),
        ("fast", ["fal/fal-ai/veo3.1/fast"]),
        ("gpt-5", []),
        ("", []),
        (" \n", []),
        ("x" * 100_000, []),
    ],
)
def test_similar_names(unknown: str, similar: list[str]) -> None:
    assert similar_names(unknown, NAMES) == similar


def test_number_of_names_is_limited() -> None:
    assert len(similar_names("model-1", [f"model-{number}" for number in range(50)])) == 3
