"""Combinations that the contract tests send."""

from tests.contract.vendors.combinations import allowed_combinations
from tests.unit.catalog.video_model import model, request


def test_combinations_are_accepted_and_complete() -> None:
    entry = model()
    found = list(allowed_combinations(entry))
    assert len(found) == len(set(found))
    for seconds, size, audio, roles in found:
        given = request(*roles, seconds=seconds, size=size, generate_audio=audio)
        assert entry.accepts(given)
    # (3 lengths x 2 formats of 720p + 1 x 2 of 1080p) x 3 states of audio, for each set of files:
    # none, image, image + last frame, reference
    assert len(found) == 8 * 3 * 4
