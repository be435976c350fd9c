"""`rushes generate`: one job by the native API, from the request to the file."""

import json as json_format
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TaskID, TextColumn

from cli.api import Api
from cli.client_jobs import client_lines, client_state
from cli.deployment_options import NO_OPTIONS, DeploymentOptions, with_deployment
from cli.errors import NO, CommandError
from cli.input_files import input_file
from cli.job_progress import JobState, watch
from cli.options import JsonOption, read_pairs
from cli.output import dollars, print_json, print_result

EXTENSIONS = {"video/mp4": "mp4", "video/webm": "webm", "image/png": "png", "image/jpeg": "jpg"}
Json = dict[str, Any]


@with_deployment
def generate(
    prompt: Annotated[str, typer.Argument(metavar="PROMPT", help="What to generate.")],
    model: Annotated[
        str, typer.Option(help="`provider/model` or an alias; by default the deployment's.")
    ] = "",
    seconds: Annotated[int | None, typer.Option(min=1, help="Length.")] = None,
    size: Annotated[str | None, typer.Option(help="Pixels, such as 1280x720.")] = None,
    image: Annotated[str | None, typer.Option(help="First frame: a file, or an https URL.")] = None,
    tags: Annotated[
        list[str] | None, typer.Option("--tag", metavar="NAME=VALUE", help="Repeatable.")
    ] = None,
    options: Annotated[
        list[str] | None,
        typer.Option("--option", metavar="NAME=VALUE", help="Further field of the request."),
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="File to write; by default the job's id.")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Check and price the request; create no job.")
    ] = False,
    wait: Annotated[
        bool, typer.Option("--wait/--no-wait", help="Wait for the file, or print the job's id.")
    ] = True,
    timeout: Annotated[float, typer.Option(min=1, help="Longest wait in seconds.")] = 3600.0,
    deployment: DeploymentOptions = NO_OPTIONS,
    json: JsonOption = False,
) -> None:
    """Generate a video, image or audio file: submit a job, show its progress, store its file.

    Needs an API key: of the profile, or the variables RUSHES_URL and RUSHES_API_KEY; --local has
    one. Ctrl-C leaves the job running: `rushes job watch` goes on. The exit code is 1 if it fails.
    """
    api = deployment.api()
    if output and not output.absolute().parent.is_dir():
        raise CommandError(f"--output: folder {output.absolute().parent} does not exist")
    body: Json = {"model": model, "prompt": prompt, "seconds": seconds, "size": size}
    further = {name: _value(text) for name, text in read_pairs(options, "--option").items()}
    body |= {**further, "tags": read_pairs(tags, "--tag")}
    body = {name: value for name, value in body.items() if value not in (None, "", {})}
    if image and not dry_run:
        body["inputs"] = [input_file(api, image)]
    if dry_run:
        _print_estimate(api.call("POST", "/estimate", json=body), json=json)
        return
    job = api.call("POST", "/jobs", json=body)
    typer.echo(f"created {job['id']}", err=True)
    if not wait:
        print_result(job, job["id"], json=json)
        return
    job = _wait(api, job, timeout, quiet=json)
    if job["status"] != "completed":
        print_result(job, *client_lines(job, api), json=json)
        raise typer.Exit(NO)
    files = _download(api, job, output, quiet=json)
    lines = [str(file) for file in files]
    lines.append(f"cost {dollars(_cost(job))}, model {job['made_by']}, job {job['id']}")
    print_result({**job, "files": [str(file) for file in files]}, *lines, json=json)


def _wait(api: Api, job: Json, timeout: float, *, quiet: bool) -> Json:
    path, latest = f"/jobs/{job['id']}", job

    def read() -> JobState:
        nonlocal latest
        latest = api.call("GET", path)
        return client_state(latest)

    watch(read, timeout, quiet=quiet)
    return latest


def _download(api: Api, job: Json, output: Path | None, *, quiet: bool) -> list[Path]:
    """Store each file of the job; those after the first one get a number."""
    files: list[Path] = []
    for number, artifact in enumerate(job["artifacts"]):
        bare = artifact["content_type"].partition(";")[0]
        extension = EXTENSIONS.get(bare, bare.rpartition("/")[2])
        file = output or Path(f"{job['id']}.{extension}")
        if number:
            file = file.with_stem(f"{file.stem}-{number + 1}")
        console = Console(stderr=True)
        columns = (TextColumn(str(file)), BarColumn(40), DownloadColumn())
        with Progress(*columns, console=console, disable=quiet or not console.is_terminal) as bar:
            task = bar.add_task("file", total=None)
            show = partial(_show_bytes, bar, task)
            api.download(artifact["url"], file, show)
        files.append(file)
    if job["document"] is not None:
        file = output or Path(f"{job['id']}.json")
        file.write_text(json_format.dumps(job["document"], indent=2, ensure_ascii=False))
        files.append(file)
    return files


def _show_bytes(bar: Progress, task: TaskID, done: int, size: int | None) -> None:
    bar.update(task, completed=done, total=size)


def _print_estimate(found: Json, *, json: bool) -> None:
    if json:
        print_json(found)
        return
    price = dollars(found["estimated"]) if found["price_known"] else "unknown"
    typer.echo(f"{found['resolved_model']} at {found['provider']}: price {price}")
    for one in found["candidates"][1:]:
        typer.echo(f"  then {one['model']}: {dollars(one['estimated'])}")
    for warning in found["warnings"]:
        typer.echo(f"  warning: {warning}")


def _cost(job: Json) -> float | None:
    cost = job["cost"]
    amount: float | None = cost["estimated"] if cost["settled"] is None else cost["settled"]
    return amount


def _value(text: str) -> Any:  # noqa: ANN401 - any JSON
    """Read a value that is JSON as such, and any other as a text."""
    try:
        return json_format.loads(text)
    except ValueError:
        return text
