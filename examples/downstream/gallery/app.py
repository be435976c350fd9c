"""Copy a job's artifacts into the gallery and rewrite its page.

Events may repeat and overlap. The key of an artifact is derived from its job, and the page is
rewritten until the list of the bucket is unchanged.
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
    keys, on_page = gallery(), None
    while keys != on_page:
        page = PAGE.format(figures="\n".join(figure(key) for key in keys))
        s3.put_object(Bucket=GALLERY, Key="index.html", Body=page, ContentType="text/html")
        keys, on_page = gallery(), keys


def gallery() -> list[str]:
    """Return the keys of all artifacts, newest first."""
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=GALLERY)
    keys = [entry["Key"] for page in pages for entry in page.get("Contents", [])]
    artifacts = [key for key in keys if key.partition("/")[0] in FRAMES]
    return sorted(artifacts, key=lambda key: key.partition("/")[2], reverse=True)


def figure(key: str) -> str:
    kind, _, name = key.partition("/")
    frame = FRAMES[kind].format(key=html.escape(key))
    return f"<figure>{frame}<figcaption>{html.escape(name)}</figcaption></figure>"
