import pytest

from rushes.catalog.provider_config import FileLimits
from rushes.errors import InvalidInputFile
from rushes.jobs.request import Role, StoredFile
from rushes.providers.json_files import as_json_file, within_limits
from rushes.providers.runway.adapter import Runway
from rushes.providers.xai.adapter import XAI
from tests.unit.providers.job import job, with_role

MB = 1_000_000
LIMITS = FileLimits(
    forms=("data_url", "link"),
    inline_bytes=3 * MB,
    max_bytes=32 * MB,
    max_bytes_of={"image": 16 * MB, "audio": 2 * MB},
)


def file_of(size: int) -> StoredFile:
    return StoredFile(key="x", content_type="image/png", size=size)


def test_as_json_file_inlines_small_files_and_links_large_ones():
    small, large = file_of(4 * 1024 * 1024), file_of(4 * 1024 * 1024 + 1)
    assert (as_json_file(small).form, as_json_file(large).form) == ("data_url", "link")


@pytest.mark.parametrize(
    ("role", "size", "form"),
    [
        (Role.IMAGE, 3 * MB, "data_url"),
        (Role.IMAGE, 6 * MB, "link"),
        (Role.REFERENCE, 14 * MB, "link"),
        (Role.LAST_FRAME, 16 * MB, "link"),
        (Role.SOURCE_VIDEO, 32 * MB, "link"),
        (Role.AUDIO, 2 * MB, "data_url"),
    ],
)
def test_file_within_the_limits_of_its_media_type_has_the_form_for_its_size(
    role: Role, size: int, form: str
):
    assert within_limits(file_of(size), role, None, LIMITS).form == form


@pytest.mark.parametrize(
    ("role", "size", "limit"),
    [
        (Role.IMAGE, 16 * MB + 1, 16 * MB),
        (Role.REFERENCE, 20 * MB, 16 * MB),
        (Role.SOURCE_VIDEO, 32 * MB + 1, 32 * MB),
        (Role.AUDIO, 2 * MB + 1, 2 * MB),
    ],
)
def test_larger_file_is_refused_with_the_limit(role: Role, size: int, limit: int):
    with pytest.raises(InvalidInputFile, match=f"{role.value} must have at most {limit} bytes"):
        within_limits(file_of(size), role, None, LIMITS)


@pytest.mark.parametrize("role", [Role.IMAGE, Role.LAST_FRAME, Role.SOURCE_VIDEO])
@pytest.mark.parametrize(("size", "form"), [(3 * MB, "data_url"), (6 * MB, "link")])
def test_runway_without_arguments_of_the_catalog_keeps_to_its_limits(
    role: Role, size: int, form: str
):
    given = with_role(role).model_copy(update={"file": file_of(size)})
    assert f"form='{form}'" in str(Runway().submit_request(job(inputs=(given,))).json)


@pytest.mark.parametrize(("size", "form"), [(1 * MB, "data_url"), (14 * MB, "link")])
def test_xai_without_limits_of_the_catalog_links_large_files(size: int, form: str):
    given = with_role(Role.IMAGE).model_copy(update={"file": file_of(size)})
    assert f"form='{form}'" in str(XAI().submit_request(job(inputs=(given,))).json)
