"""Office files are zip archives: tell which, and refuse a zip bomb before anything is unpacked."""

from __future__ import annotations

import re
import zipfile
from io import BytesIO

from ragraft.errors import UnreadableError

__all__ = ["office_format"]

_MAX_PARTS = 20_000
_MAX_UNPACKED = 1_000_000_000
# Deflate ends at 1032 to 1. XML of a real, repetitive sheet comes to 20 or 40 to 1; small parts may
# be anything, since they cannot hurt.
_MAX_RATIO = 200
_SMALL = 50_000_000
# Some servers write word/document2.xml and the like.
_MAIN_PART = re.compile(r"(word/document|ppt/presentation|xl/workbook)\d*\.xml")
_FORMATS = {"word/document": "docx", "ppt/presentation": "pptx", "xl/workbook": "xlsx"}


def office_format(content: bytes) -> str:
    """Return which Office format a zip archive is: "docx", "pptx" or "xlsx".

    Only the archive's directory is read. A directory that lies about sizes is caught later by the
    sandbox's memory and output limits.

    Raises: UnreadableError if it is another archive, damaged, encrypted or a zip bomb.
    """
    # Each entry of the directory begins with these bytes; counted first, because merely listing
    # millions of entries takes gigabytes.
    if content.count(b"PK\x01\x02") > _MAX_PARTS:
        raise _bomb(f"has more than {_MAX_PARTS:,} parts")
    try:
        with zipfile.ZipFile(BytesIO(content)) as archive:
            parts = archive.infolist()
    except (zipfile.BadZipFile, NotImplementedError, ValueError, OSError) as error:
        raise UnreadableError(
            "is a damaged zip archive or Office file", hint="open it, save it again and add it once more"
        ) from error
    names = {part.filename for part in parts}
    main = next((found for name in sorted(names) if (found := _MAIN_PART.fullmatch(name))), None)
    if main is None or "[Content_Types].xml" not in names:
        raise UnreadableError("is a zip archive, not a document", hint="unpack it and add what is in it")
    _check_sizes(parts)
    return _FORMATS[main[1]]


def _check_sizes(parts: list[zipfile.ZipInfo]) -> None:
    if any(part.flag_bits & 1 for part in parts):
        raise UnreadableError(
            "is encrypted with a password", hint="save it without the password and add that"
        )
    # Two entries over the same bytes unpack them twice: how the densest bombs are made.
    if len({part.header_offset for part in parts}) < len(parts):
        raise _bomb("has parts that overlap")
    unpacked = sum(part.file_size for part in parts)
    if unpacked > _MAX_UNPACKED:
        raise _bomb(f"would unpack to {unpacked:,} bytes")
    packed = sum(part.compress_size for part in parts)
    if unpacked > _SMALL and unpacked > _MAX_RATIO * packed:
        raise _bomb(f"would unpack {packed:,} bytes to {unpacked:,}")


def _bomb(what: str) -> UnreadableError:
    return UnreadableError(f"{what}, like a zip bomb, and is not opened")
