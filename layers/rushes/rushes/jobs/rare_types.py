"""Types of outputs that are too rare for signatures of our own, named by puremagic."""

import re

from rushes.jobs.content_type import OUTPUT_EXTENSIONS, TYPE_SYNONYMS, is_text

MIN_CONFIDENCE = 0.4
"""puremagic's confidence is 0.1 for each byte of the signature: shorter ones occur by chance."""
MEDIA_TYPE = re.compile(r"(?:image|audio|video|model)/[a-z0-9.+-]{1,60}")
KNOWN = OUTPUT_EXTENSIONS.keys() | TYPE_SYNONYMS.keys()


def rare_type(head: bytes) -> str | None:
    """Return a media type that `sniff_output` does not know, or None.

    A text is no media file, and a known type would have had its own, stricter signature.
    """
    if is_text(head):
        return None
    import puremagic  # noqa: PLC0415 - it reads its signatures, and few outputs need them

    try:
        matches = puremagic.magic_string(head)
    except puremagic.PureError:
        return None
    names = [match.mime_type for match in matches if match.confidence >= MIN_CONFIDENCE]
    return next((name for name in names if MEDIA_TYPE.fullmatch(name) and name not in KNOWN), None)
