"""Files with keys of the local stack."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from local.local_settings import LocalSettings, write_private


@pytest.fixture
def _open_umask() -> Iterator[None]:
    """Without care, everyone could read and write new files."""
    before = os.umask(0)
    yield
    os.umask(before)


@pytest.mark.usefixtures("_open_umask")
@pytest.mark.parametrize("exists", [False, True])
def test_file_with_keys_is_private_to_its_owner(tmp_path: Path, *, exists: bool):
    file = tmp_path / "stack.env"
    if exists:
        file.write_text("old")
        file.chmod(0o666)
    write_private(file, "RUSHES_API_KEY=x\n")
    assert file.stat().st_mode & 0o777 == 0o600
    assert file.read_text() == "RUSHES_API_KEY=x\n"


@pytest.mark.usefixtures("_open_umask")
def test_settings_are_private_and_stay_the_same(tmp_path: Path):
    file = tmp_path / "settings.json"
    settings = LocalSettings.load(file)
    settings.save(file)
    assert file.stat().st_mode & 0o777 == 0o600
    loaded = LocalSettings.load(file)
    assert (loaded.secret_access_key, loaded.engine_port) == (
        settings.secret_access_key,
        settings.engine_port,
    )
