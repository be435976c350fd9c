import pytest

from rushes.jobs.request import Role
from rushes.providers.base import Pending
from rushes.providers.runway.adapter import Runway
from tests.unit.providers.job import job, json_reply, with_role


def test_absent_fields_are_not_sent():
    assert Runway().submit_request(job(prompt="")).json == {"model": "m/1"}


def test_last_frame_alone_has_a_position():
    call = Runway().submit_request(job(inputs=(with_role(Role.LAST_FRAME),)))
    assert call.path == "/image_to_video"
    assert [image["position"] for image in call.json["promptImage"]] == ["last"]


@pytest.mark.parametrize(
    ("progress", "percent"), [(0.4, 40), (0, 0), (-1, 0), (1e308, 100), (-1e308, 0), (None, None)]
)
def test_progress_is_clamped(progress: float | None, percent: int | None):
    reply = json_reply({"id": "1", "status": "RUNNING", "progress": progress})
    assert Runway().parse_poll({"id": "1"}, reply) == Pending(percent)
