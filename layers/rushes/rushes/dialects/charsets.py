"""Decode text of a request with its declared character set."""

import codecs

from rushes.errors import InvalidRequest

CHARSETS = {
    "ascii": "utf-8",  # clients declare it for text that may be UTF-8
    "utf-8": "utf-8",
    "utf-8-sig": "utf-8",
    **{name: name for name in ("utf-16", "utf-16-le", "utf-16-be", "utf-32")},
    **{name: name for name in ("utf-32-le", "utf-32-be", "koi8-r", "koi8-u", "mac-roman")},
    **{name: name for name in ("shift_jis", "cp932", "euc_jp", "iso2022_jp", "cp949", "euc_kr")},
    **{name: name for name in ("gb2312", "gbk", "gb18030", "big5", "big5hkscs", "tis-620")},
    **{f"cp{number}": f"cp{number}" for number in range(1250, 1259)},
    **{f"iso8859-{number}": f"iso8859-{number}" for number in (*range(1, 12), *range(13, 17))},
}
"""Codecs by Python's name of the character set. Python's other codecs are no character sets."""
MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
"""Byte order marks, UTF-32 before UTF-16: its mark begins with the other's."""


def decode(content: bytes, charset: str, field: str) -> str:
    """Decode text; a byte order mark overrides the declared character set.

    Raises
    ------
    InvalidRequest
        If the character set is unknown, or the text is not in it.
    """
    for mark, name in MARKS:
        if content.startswith(mark):
            content, charset = content[len(mark) :], name
            break
    codec = find_codec(charset, field)
    try:
        return content.decode(codec)
    except UnicodeError:
        raise InvalidRequest(
            f"{field[:80]} is not text in charset {charset[:40]}", param=field[:80]
        ) from None


def find_codec(charset: str, field: str) -> str:
    """Return Python's codec of a declared character set."""
    try:
        name = codecs.lookup(charset).name
    except (LookupError, ValueError):  # ValueError: a NUL
        name = ""
    if name not in CHARSETS:
        raise InvalidRequest(
            f"{field[:80]} has an unknown charset {charset[:40]!a}; use UTF-8", param=field[:80]
        )
    return CHARSETS[name]
