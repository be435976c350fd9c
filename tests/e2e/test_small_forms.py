"""The other targets succeed in their small forms."""

from pathlib import Path

import pytest

from tests.e2e.small_forms import LONG, SMALL_FORMS, check_small_form


@pytest.mark.parametrize("target", sorted(SMALL_FORMS.keys() - LONG))
def test_small_form_succeeds(target: str, tree: Path):
    check_small_form(target, tree)
