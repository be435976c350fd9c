"""Takes what a job came to into the gallery, and writes its page anew.

The same event may come twice, and two at the same time: a film has its key from its job, and the
page is written from what lies in the bucket until nothing has come in between.
"""

import html
import os
from typing import Any

import boto3

GALLERY = os.environ["GALLERY"]
FRAMES = {
    "video": '<video src="{key}" controls preload="metadata"></video>',
    "image": '<img src="{key}" alt="" loading="lazy">',
    "audio": '<audio src="{key}" controls></audio>',
}
PAGE = """<!doctype html>
<meta charset="utf-8">
<title>Gallery</title>
<style>video, img {{ max-width: 100% }} figure {{ display: inline-block; max-width: 30rem }}</style>
<h1>Gallery</h1>
{figures}
"""

s3 = boto3.client("s3")


def lambda_handler(event: dict[str, Any], _context: object) -> None:
    job = event["detail"]["data"]
    for number, artifact in enumerate(job["artifacts"]):
        kind, _, extension = artifact["content_type"].partition("/")
        s3.copy_object(
            Bucket=GALLERY,
            Key=f"{kind}/{job['finished_at'][:19]}_{job['id']}_{number}.{extension}",
            CopySource={"Bucket": artifact["bucket"], "Key": artifact["key"]},
        )
    keys, written = gallery(), None
    while keys != written:
        page = PAGE.format(figures="\n".join(figure(key) for key in keys))
        s3.put_object(Bucket=GALLERY, Key="index.html", Body=page, ContentType="text/html")
        keys, written = gallery(), keys


def gallery() -> list[str]:
    """The keys of all that was taken in, newest first."""
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=GALLERY)
    keys = [entry["Key"] for page in pages for entry in page.get("Contents", [])]
    shown = [key for key in keys if key.partition("/")[0] in FRAMES]
    return sorted(shown, key=lambda key: key.partition("/")[2], reverse=True)


def figure(key: str) -> str:
    kind, _, name = key.partition("/")
    frame = FRAMES[kind].format(key=html.escape(key))
    return f"<figure>{frame}<figcaption>{html.escape(name)}</figcaption></figure>"
