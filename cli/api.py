"""The native API of a deployment, called with an API key."""

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from cli.errors import FAILED, NO, CommandError
from cli.profiles import CHOSEN, Profile, find_profile
from cli.target import LOCAL_FILE, STACK_VARIABLE, read_variables, stack_target

URL_VARIABLE, KEY_VARIABLE = "RUSHES_URL", "RUSHES_API_KEY"
PREFIX = "/rushes/v1"
TIMEOUT = httpx.Timeout(60)
CHUNK = 1 << 16
Progress = Callable[[int, int | None], None]
"""Takes the bytes so far and their number in all, if it is known."""


@dataclass(frozen=True)
class Api:
    url: str
    api_key: str = field(repr=False)
    options: tuple[str, ...] = ()
    """Options that name this deployment, for the commands that a command proposes."""
    transport: httpx.BaseTransport | None = None

    def call(self, method: str, path: str, **options: Any) -> Any:  # noqa: ANN401 - JSON
        """Return the JSON of a response.

        Raises
        ------
        CommandError
            With the message of the problem, if the response is an error.
        """
        headers = {"authorization": f"Bearer {self.api_key}"}
        with self._http() as http:
            reply = http.request(method, PREFIX + path, headers=headers, **options)
        if reply.status_code >= 400:
            raise _refused(reply)
        return reply.json() if reply.content else None

    def download(self, url: str, file: Path, progress: Progress) -> int:
        """Store the file of a link, which needs no key; return its number of bytes.

        The file appears at its place when it is whole.
        """
        partial = file.with_name(f".{file.name}.partial")
        try:
            with self._http() as http, http.stream("GET", url, follow_redirects=True) as reply:
                if reply.status_code != 200:
                    raise CommandError(f"the file's link answered {reply.status_code}")
                length = reply.headers.get("content-length")
                size = int(length) if length else None
                with partial.open("wb") as output:
                    for chunk in reply.iter_bytes(CHUNK):
                        output.write(chunk)
                        progress(output.tell(), size)
                    written = output.tell()
            if size is not None and written != size:
                raise CommandError(f"the download ended after {written} of {size} bytes")
            partial.replace(file)
        finally:
            partial.unlink(missing_ok=True)
        return written

    def _http(self) -> httpx.Client:
        return httpx.Client(base_url=self.url, timeout=TIMEOUT, transport=self.transport)


def find_api(stack: str | None, *, local: bool, env_file: Path | None) -> Api:
    """Return the API of the options, the chosen profile, the variables or the default profile.

    Raises
    ------
    CommandError
    """
    if local or env_file:
        return _local(env_file)
    url, key = os.environ.get(URL_VARIABLE), os.environ.get(KEY_VARIABLE)
    if stack:
        return Api(stack_target(stack).outputs["ApiUrl"], _known(key), ("--stack", stack))
    if url and key and not CHOSEN.get():
        return Api(url, key)
    return _of_profile(find_profile(), key)


def _local(env_file: Path | None) -> Api:
    variables = read_variables(env_file or LOCAL_FILE)
    options = ("--env-file", str(env_file)) if env_file else ("--local",)
    return Api(variables[URL_VARIABLE], variables[KEY_VARIABLE], options)


def _of_profile(profile: Profile, key: str | None) -> Api:
    if profile.local:
        return _local(None)
    chosen = CHOSEN.get()
    options = ("--profile", chosen) if chosen else ()
    url = profile.url
    if not url and (name := profile.stack or os.environ.get(STACK_VARIABLE)):
        url = stack_target(name, profile).outputs["ApiUrl"]
    if not url:
        raise CommandError(
            f"which deployment? set {URL_VARIABLE} and {KEY_VARIABLE}, or give --profile or --local"
        )
    return Api(url, _known(profile.api_key or key), options)


def client_api(stack: str | None, *, local: bool, env_file: Path | None) -> Api | None:
    """Return the API of a client's profile; None for an operator's, who reads the table."""
    if stack or local or env_file or (os.environ.get(STACK_VARIABLE) and not CHOSEN.get()):
        return None
    profile = find_profile()
    if profile.stack or profile.local or not profile.url:
        return None
    return find_api(None, local=False, env_file=None)


def _known(key: str | None) -> str:
    if not key:
        raise CommandError(f"no API key: set {KEY_VARIABLE}, or api_key of the profile")
    return key


def _refused(reply: httpx.Response) -> CommandError:
    try:
        problem = reply.json()
        message = f"{problem['code']}: {problem['detail']}"
    except (ValueError, KeyError, TypeError):
        message = reply.text[:200]
    code = FAILED if reply.status_code >= 500 or reply.status_code == 429 else NO
    return CommandError(f"HTTP {reply.status_code}: {message}", code)
