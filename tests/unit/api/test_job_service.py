"""What a client can do."""

import re
from collections.abc import Callable
from functools import partial

import pytest

from rushes.api import build_job
from rushes.errors import (
    AlreadyFinished,
    AwsUnavailable,
    ContentNotReady,
    InvalidRequest,
    NotFound,
    RushesError,
    UnknownCursor,
    UnknownModel,
    VariantNotAvailable,
)
from rushes.jobs.job import Job
from rushes.jobs.request import CreateRequest, GenerationRequest, Input, Role, StoredFile, Upload
from rushes.jobs.status import JobStatus, Stage, UpstreamCancelled
from rushes.ports import JobQuery
from tests.harness import ACCOUNT, ASK, CONTENT, CREATE, FILM, PICTURE, SOUND, Harness, video

ADDRESS = Input(role=Role.IMAGE, url="https://pictures.example/1")
OURS = f"https://bucket.example/uploads/{ACCOUNT}"


@pytest.fixture
def harness() -> Harness:
    return Harness()


def creation(*uploads: tuple[Role, Upload], **fields: object) -> CreateRequest:
    plain: dict[str, object] = {"model": "short", "prompt": "a red ball"}
    request = GenerationRequest.model_validate(plain | fields)
    return CreateRequest(request, uploads=uploads)


def picture(content: bytes = PICTURE) -> tuple[Role, Upload]:
    return Role.IMAGE, Upload("picture", "image/png", content)


def film(content: bytes = FILM) -> tuple[Role, Upload]:
    return Role.SOURCE_VIDEO, Upload("video", "video/mp4", content)


def by_link(*uploaded: tuple[Role, str], model: str = "short") -> CreateRequest:
    """A creation from files that the client has put to addresses of ours."""
    request = GenerationRequest(model=model, prompt="a red ball")
    return CreateRequest(request, uploaded=uploaded)


def create(harness: Harness, creation: CreateRequest) -> Job:
    return harness.service.create(ACCOUNT, "openai", creation).job


def remixed(harness: Harness, account: str, dialect: str, source_id: str, prompt: str) -> Job:
    creation = CreateRequest(GenerationRequest(model="", prompt=prompt), source_id=source_id)
    return harness.service.create(account, dialect, creation).job


def test_an_accepted_job_is_stored_and_started(harness: Harness) -> None:
    job = create(harness, creation(seconds=8))
    assert harness.now(job) == job
    assert harness.executions.running == {job.id: True}


def test_a_job_knows_what_was_asked_for_and_what_the_catalog_says(harness: Harness) -> None:
    job = create(harness, creation(seconds=8, seed=7))
    assert (job.account, job.dialect, job.status, job.stage) == (
        ACCOUNT,
        "openai",
        JobStatus.QUEUED,
        Stage.ACCEPTED,
    )
    assert (job.provider, job.upstream_model, job.cost) == ("sandbox", "one-at-home", 0.8)
    assert job.deadline_at == job.created_at + 1800
    assert (job.request.model, job.request.seconds, job.request.seed) == ("short", 8, 7)
    assert job.request.size == "1280x720"


def test_ids_sort_by_time_and_cannot_be_guessed(harness: Harness) -> None:
    jobs = []
    for _ in range(20):
        jobs.append(harness.accepted())
        harness.clock.advance(0.002)
    ids = [job.id for job in jobs]
    assert ids == sorted(ids)
    assert len({it[-20:] for it in ids}) == 20
    assert {len(it) for it in ids} == {36}


def test_a_request_without_a_model_gets_the_default(harness: Harness) -> None:
    assert create(harness, creation(model="")).request.model == "short"


@pytest.mark.parametrize(
    ("wrong", "error", "param"),
    [
        (creation(model="nobody/none"), UnknownModel, "model"),
        (creation(seconds=5), InvalidRequest, "seconds"),
        (creation(prompt=" "), InvalidRequest, "prompt"),
        (creation(picture(FILM)), InvalidRequest, "picture"),
        (creation(picture(b"<html>")), InvalidRequest, "picture"),
        (creation(picture(SOUND)), InvalidRequest, "picture"),
        (creation(film(PICTURE)), InvalidRequest, "video"),
        (creation(picture(), film(PICTURE)), InvalidRequest, "video"),
        (creation(picture(), model="sandbox/plain"), InvalidRequest, "picture"),
        (creation(model="sandbox/plain", inputs=[ADDRESS]), InvalidRequest, "input_reference"),
        (creation(film(), model="sandbox/plain"), InvalidRequest, "video"),
        (
            creation((Role.AUDIO, Upload("voice", "audio/mpeg", SOUND))),
            InvalidRequest,
            "voice",
        ),
        (by_link((Role.IMAGE, f"{OURS}/a.png"), model="sandbox/plain"), InvalidRequest, "URL"),
        (by_link((Role.IMAGE, f"{OURS}/absent.png")), InvalidRequest, "URL"),
    ],
)
def test_what_is_refused_leaves_nothing_behind(
    harness: Harness, wrong: CreateRequest, error: type[RushesError], param: str
) -> None:
    with pytest.raises(error) as refused:
        create(harness, wrong)
    assert refused.value.param == param
    assert (harness.jobs.rows, harness.blobs.objects, harness.executions.running) == ({}, {}, {})


@pytest.mark.parametrize(
    ("role", "content", "kind"),
    [(Role.IMAGE, PICTURE, "image/png"), (Role.SOURCE_VIDEO, FILM, "video/mp4")],
)
def test_a_clients_file_is_kept_under_its_job_with_its_real_type(
    harness: Harness, role: Role, content: bytes, kind: str
) -> None:
    upload = Upload("file", "text/plain", content)
    job = create(harness, creation((role, upload)))
    (file,) = job.request.files(role)
    assert (file.key, file.content_type) == (f"inputs/{ACCOUNT}/{job.id}/upload-0", kind)
    assert file.size == len(content)
    assert harness.blobs.objects == {file.key: content}


def test_several_files_are_kept_apart_and_in_their_order(harness: Harness) -> None:
    other = PICTURE + b"another"
    job = create(harness, creation(picture(), film(), picture(other), inputs=[ADDRESS]))
    assert [it.role for it in job.request.inputs] == [
        *(Role.IMAGE, Role.IMAGE, Role.SOURCE_VIDEO, Role.IMAGE),
    ]
    kept = [harness.blobs.objects[it.key] for it in job.request.files(Role.IMAGE)]
    assert kept == [PICTURE, other]
    assert job.request.inputs[0] == ADDRESS
    assert harness.now(job) == job


def test_a_file_put_to_an_address_of_ours_is_copied_before_anybody_changes_it(
    harness: Harness,
) -> None:
    address = harness.service.upload_address(ACCOUNT, "png")
    key = harness.blobs.key_of(address)
    assert key is not None
    harness.blobs.objects[key] = PICTURE
    job = create(harness, by_link((Role.IMAGE, address)))
    harness.blobs.objects[key] = b"<html>"  # what the address still allows
    file = job.request.file(Role.IMAGE)
    assert file is not None
    assert (file.content_type, file.size) == ("image/png", len(PICTURE))
    assert file.key == f"inputs/{ACCOUNT}/{job.id}/adopted"
    assert harness.blobs.objects[file.key] == PICTURE
    assert harness.now(job) == job


def test_each_address_to_upload_to_is_a_new_one_of_that_account(harness: Harness) -> None:
    keys = {harness.blobs.key_of(harness.service.upload_address(ACCOUNT, "png")) for _ in range(20)}
    assert len(keys) == 20
    for key in keys:
        assert re.fullmatch(rf"uploads/{ACCOUNT}/[0-9a-f]{{32}}\.png", key or "")


@pytest.mark.parametrize(
    "address",
    [
        "https://bucket.example/uploads/stranger/a.png",
        f"https://bucket.example/uploads/{ACCOUNT}-2/a.png",
        f"https://bucket.example/uploads/{ACCOUNT}",
        f"https://bucket.example/inputs/{ACCOUNT}/a.png",
        f"https://bucket.example/outputs/{ACCOUNT}/a.png",
        f"https://elsewhere.example/uploads/{ACCOUNT}/a.png",
        f"uploads/{ACCOUNT}/a.png",
        "",
    ],
)
def test_what_is_not_an_upload_of_that_account_is_not_worked_from(
    harness: Harness, address: str
) -> None:
    """And it is refused alike, whether anything is there or not."""
    bucket = "https://bucket.example/"
    for there in (False, True):
        harness.blobs.objects = {address.removeprefix(bucket): PICTURE} if there else {}
        before = dict(harness.blobs.objects)
        with pytest.raises(InvalidRequest, match="none that was given out to this") as refused:
            create(harness, by_link((Role.IMAGE, address)))
        assert refused.value.param == "URL"
        assert (harness.jobs.rows, harness.blobs.objects) == ({}, before)


@pytest.mark.parametrize("content", [FILM, SOUND, b"<html>", b""])
def test_an_upload_that_is_not_what_it_is_for_is_refused(harness: Harness, content: bytes) -> None:
    harness.blobs.objects[f"uploads/{ACCOUNT}/a.png"] = content
    with pytest.raises(InvalidRequest, match="is no image") as refused:
        create(harness, by_link((Role.IMAGE, f"{OURS}/a.png")))
    assert (refused.value.param, harness.jobs.rows) == ("URL", {})


def test_an_upload_may_be_as_long_as_the_limit_and_no_longer(
    harness: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(build_job, "UPLOAD_BYTES", len(PICTURE))
    key = f"uploads/{ACCOUNT}/a.png"
    harness.blobs.objects[key] = PICTURE
    assert create(harness, by_link((Role.IMAGE, f"{OURS}/a.png"))).request.file(Role.IMAGE)
    harness.blobs.objects[key] = PICTURE + b"x"
    with pytest.raises(InvalidRequest, match="more than 108 bytes"):
        create(harness, by_link((Role.IMAGE, f"{OURS}/a.png")))


def test_how_a_client_wants_its_answers_is_kept_for_its_dialect(harness: Harness) -> None:
    request = GenerationRequest(model="short", prompt="a red ball")
    job = create(harness, CreateRequest(request, preferences={"response_format": "b64_json"}))
    assert harness.now(job).preferences == {"response_format": "b64_json"}


def test_a_job_is_of_the_kind_of_its_model_and_costs_what_that_says(harness: Harness) -> None:
    assert harness.accepted().modality == "video"
    upload = Upload("file", "audio/mpeg", SOUND)
    spoken = creation((Role.AUDIO, upload), model="sandbox/ears", prompt="")
    job = create(harness, spoken)
    assert (job.modality, job.cost, job.request.seconds, job.request.size) == (
        *("transcription", 0.25),
        *(None, None),
    )
    (sound,) = job.request.files(Role.AUDIO)
    assert sound.content_type == "audio/mpeg"


def test_a_model_that_works_from_sound_only_is_refused_without(harness: Harness) -> None:
    with pytest.raises(InvalidRequest, match="works from sound only") as refused:
        create(harness, creation(model="sandbox/ears", prompt=""))
    assert (refused.value.param, harness.jobs.rows) == ("audio", {})


def test_a_job_that_cannot_be_started_is_accepted_all_the_same(harness: Harness) -> None:
    harness.executions.trouble = AwsUnavailable("throttled")
    job = harness.accepted()
    assert harness.now(job).status is JobStatus.QUEUED
    assert harness.executions.running == {}


def test_a_remix_is_a_new_job_like_the_old_with_its_film_to_work_from(harness: Harness) -> None:
    old = harness.completed()
    new = remixed(harness, ACCOUNT, "bifrost", old.id, "a blue ball")
    assert [it.role for it in new.request.inputs] == [Role.SOURCE_VIDEO]
    film = new.request.file(Role.SOURCE_VIDEO)
    assert film is not None
    assert (film.key, film.size) == (old.artifacts[0].key, len(FILM))
    assert (new.remixed_from, new.dialect, new.request.prompt) == (
        old.id,
        "bifrost",
        "a blue ball",
    )
    assert (new.request.seconds, new.request.size) == (old.request.seconds, old.request.size)
    assert harness.executions.running[new.id]


def test_a_remix_leaves_behind_what_the_old_job_worked_from(harness: Harness) -> None:
    job = create(harness, creation(picture()))
    harness.answer(CREATE, video("queued"))
    harness.submit(job)
    harness.answer(ASK, video("completed"))
    harness.http_client.files[CONTENT] = FILM
    harness.poll(job)
    harness.collect(job)
    harness.finish(job)
    new = remixed(harness, ACCOUNT, "openai", job.id, "a blue ball")
    assert (len(new.request.inputs), new.request.file(Role.IMAGE)) == (1, None)


def test_a_creation_that_names_a_job_to_work_from_is_a_remix(harness: Harness) -> None:
    old = harness.completed()
    edit = CreateRequest(GenerationRequest(model="", prompt="a blue ball"), source_id=old.id)
    assert create(harness, edit).remixed_from == old.id


def test_only_a_completed_job_of_ones_own_can_be_remixed(harness: Harness) -> None:
    with pytest.raises(InvalidRequest, match="is not completed"):
        remixed(harness, ACCOUNT, "openai", harness.running().id, "a blue ball")
    with pytest.raises(NotFound):
        remixed(harness, "stranger", "openai", harness.completed().id, "a blue ball")


def test_a_deleted_and_a_foreign_job_are_not_found_like_one_that_never_was(
    harness: Harness,
) -> None:
    deleted, foreign = harness.completed(), harness.accepted()
    harness.service.delete(ACCOUNT, deleted.id)
    for account, job_id in ((ACCOUNT, "none"), (ACCOUNT, deleted.id), ("stranger", foreign.id)):
        with pytest.raises(NotFound) as refused:
            harness.service.get(account, job_id)
        assert refused.value.message == f"there is no job {job_id}"


def test_a_list_goes_on_after_a_job_even_if_that_was_deleted(harness: Harness) -> None:
    first, second = harness.completed(), harness.completed()
    newest_first = sorted((first.id, second.id), reverse=True)
    harness.service.delete(ACCOUNT, newest_first[0])
    page = harness.service.list(ACCOUNT, JobQuery(after=newest_first[0]))
    assert [job.id for job in page.jobs] == newest_first[1:]


def test_a_list_cannot_go_on_after_an_unknown_or_foreign_job(harness: Harness) -> None:
    job = harness.accepted()
    with pytest.raises(UnknownCursor):
        harness.service.list("stranger", JobQuery(after=job.id))


def test_a_list_of_none_is_empty_and_asks_nobody(harness: Harness) -> None:
    harness.accepted()
    assert harness.service.list(ACCOUNT, JobQuery(limit=0)).jobs == ()


def test_a_completed_jobs_film_has_an_address_and_a_name(harness: Harness) -> None:
    job = harness.completed()
    link = harness.service.content(ACCOUNT, job.id, "video")
    assert link == f"https://bucket.example/{job.artifacts[0].key}?filename={job.id}.mp4"


def test_a_job_that_is_not_completed_has_no_film(harness: Harness) -> None:
    with pytest.raises(ContentNotReady, match="is in_progress"):
        harness.service.content(ACCOUNT, harness.stored().id, "video")


def test_there_is_nothing_but_the_film(harness: Harness) -> None:
    with pytest.raises(VariantNotAvailable):
        harness.service.content(ACCOUNT, harness.completed().id, "thumbnail")


@pytest.mark.parametrize("state", [Harness.accepted, Harness.running, Harness.generated])
def test_an_open_job_is_cancelled_by_a_further_execution(
    harness: Harness, state: Callable[[Harness], Job]
) -> None:
    job = harness.service.cancel(ACCOUNT, state(harness).id)
    assert job.cancel_requested_at == harness.clock()
    assert harness.executions.running[f"{job.id}-r2"]


def test_cancelling_twice_is_cancelling_once(harness: Harness) -> None:
    job = harness.accepted()
    first = harness.service.cancel(ACCOUNT, job.id)
    harness.clock.advance(5)
    assert harness.service.cancel(ACCOUNT, job.id) == first
    assert set(harness.executions.running) == {job.id, f"{job.id}-r2"}


@pytest.mark.parametrize("state", [Harness.stored, Harness.completed])
def test_what_is_decided_cannot_be_cancelled(
    harness: Harness, state: Callable[[Harness], Job]
) -> None:
    job = state(harness)
    with pytest.raises(AlreadyFinished):
        harness.service.cancel(ACCOUNT, job.id)
    assert harness.now(job) == job


def test_a_deleted_job_leaves_a_tombstone_and_no_files(harness: Harness) -> None:
    job = harness.completed()
    harness.blobs.objects[f"inputs/{ACCOUNT}/{job.id}/image"] = PICTURE
    harness.service.delete(ACCOUNT, job.id)
    assert harness.blobs.objects == {}
    assert harness.now(job).deleted_at == harness.clock()
    assert harness.now(job).status is JobStatus.COMPLETED


def test_deleting_an_open_job_cancels_it(harness: Harness) -> None:
    job = harness.running()
    harness.service.delete(ACCOUNT, job.id)
    stored = harness.now(job)
    assert stored.cancel_requested_at
    assert stored.deleted_at
    assert harness.executions.running[f"{job.id}-r2"]


def test_deleting_a_job_that_ends_at_this_moment_deletes_it(harness: Harness) -> None:
    job = harness.running()
    harness.jobs.before_write = lambda: _end(harness, job)
    harness.service.delete(ACCOUNT, job.id)
    assert harness.now(job).deleted_at
    assert not harness.now(job).cancel_requested_at


def test_deleting_twice_at_once_leaves_one_tombstone(harness: Harness) -> None:
    job = harness.completed()
    harness.jobs.before_write = lambda: harness.service.delete(ACCOUNT, job.id)
    harness.service.delete(ACCOUNT, job.id)
    assert harness.now(job).version == job.version + 1


def _end(harness: Harness, job: Job) -> None:
    harness.jobs.change(
        job.account,
        job.id,
        lambda it: it.cancelled_by_client(harness.clock(), UpstreamCancelled.YES),
    )
    harness.finish(job)


def test_what_may_have_been_deleted_by_its_age_is_not_linked_to(harness: Harness) -> None:
    job = harness.completed()
    harness.clock.now = (job.expires_at or 0) + 1
    with pytest.raises(ContentNotReady, match="expired"):
        harness.service.content(ACCOUNT, job.id, "video")


def test_a_page_is_as_long_as_an_answer_may_be(harness: Harness) -> None:
    """The rest is on the next page: nothing is left out."""
    for number in range(45):
        job = harness.accepted()
        harness.clock.advance(1)
        long = job.request.model_copy(update={"prompt": f"{number}" + "x" * 100_000})
        changes = {"request": long, "version": job.version + 1}
        harness.jobs.change(ACCOUNT, job.id, partial(Job.model_copy, update=changes))
    first = harness.service.list(ACCOUNT, JobQuery(limit=100))
    assert 10 < len(first.jobs) < 45
    assert first.has_more
    rest = harness.service.list(ACCOUNT, JobQuery(limit=100, after=first.jobs[-1].id))
    assert (len(first.jobs) + len(rest.jobs), rest.has_more) == (45, False)


def test_an_upload_that_is_changed_at_that_moment_is_refused(
    harness: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = harness.service.upload_address(ACCOUNT, "png")
    key = harness.blobs.key_of(address)
    assert key is not None
    harness.blobs.objects[key] = PICTURE
    find = harness.blobs.find

    def find_and_change(wanted: str) -> StoredFile | None:
        found = find(wanted)
        harness.blobs.objects[wanted] = PICTURE + b"!"
        return found

    monkeypatch.setattr(harness.blobs, "find", find_and_change)
    with pytest.raises(InvalidRequest, match="changed"):
        create(harness, by_link((Role.IMAGE, address)))
    assert not harness.jobs.rows


def test_a_job_works_from_sixteen_files_at_most(harness: Harness) -> None:
    pictures = tuple(Input(role=Role.IMAGE, url=f"https://p.example/{n}") for n in range(17))
    request = GenerationRequest(model="short", prompt="x", inputs=pictures)
    with pytest.raises(InvalidRequest, match="at most 16"):
        harness.service.create(ACCOUNT, "openai", CreateRequest(request))
