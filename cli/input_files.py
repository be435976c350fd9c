"""Input files of a generation: URLs, or files that are uploaded."""

import mimetypes
from pathlib import Path

import httpx

from cli.api import TIMEOUT, Api
from cli.errors import CommandError


def input_file(api: Api, place: str, role: str = "image") -> dict[str, str]:
    """Return the member of `inputs`; a file is uploaded first.

    Raises
    ------
    CommandError
        If the file cannot be read, or the upload fails.
    """
    if place.startswith(("https://", "http://", "data:")):
        return {"role": role, "url": place}
    file = Path(place)
    try:
        content = file.read_bytes()
    except OSError as error:
        raise CommandError(f"{place} cannot be read: {type(error).__name__}") from None
    content_type = mimetypes.guess_type(file.name)[0]
    if content_type is None:
        raise CommandError(f"{place}: the name must have the extension of its type, such as .png")
    upload = api.call(
        "POST",
        "/uploads",
        json={"content_type": content_type, "content_length": len(content)},
    )
    headers = {"content-type": content_type}
    transport = api.transport
    with httpx.Client(timeout=TIMEOUT, transport=transport) as http:
        reply = http.put(upload["url"], content=content, headers=headers)
    if reply.status_code >= 400:
        raise CommandError(f"the upload of {place} failed: HTTP {reply.status_code}")
    return {"role": role, "upload": upload["id"]}
