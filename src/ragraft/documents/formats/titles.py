"""A document's title, from what the file offers: one a person would recognise."""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from urllib.parse import unquote

__all__ = ["readable_stem", "sensible_title"]

_MAX_TITLE = 300
# Titles that programs left: "Microsoft Word - report.doc", "untitled", "Slide 1", "0001045810-22-000166".
_JUNK = re.compile(
    r"microsoft (word|powerpoint|excel) - .*"
    r"|(untitled|document|unbenannt|sans titre|slide|sheet|folie|presentation|powerpoint presentation|title"
    r"|template|new|no title|none|null|test|print|index|home|default)[ _-]?\d*"
    r"|\S+\.(docx?|pptx?|xlsx?|pdf|html?|indd|qxd|tex|dvi|rtf|odt|txt|tmp)"
    r"|[\W\d_]*",
    re.IGNORECASE,
)
_BARE_NAMES = {"index", "readme", "default", "home", "main"}


def sensible_title(candidate: object) -> str:
    """Return a title found in a file as one line of at most 300 characters, or "" if it is no title."""
    if not isinstance(candidate, str):
        return ""
    title = " ".join(candidate.split())
    return "" if _JUNK.fullmatch(title) else title[:_MAX_TITLE]


def readable_stem(name: str) -> str:
    """Return a title made of a file's name: "q3/annual_report-final.md" gives "Annual report final".

    An index or readme file is named by its folder.
    """
    path = PurePosixPath(unquote(name, errors="replace"))
    stem = path.stem or name
    if stem.lower() in _BARE_NAMES and path.parent.name:
        stem = path.parent.name
    # A hyphen between digits belongs to a date or a number.
    words = re.sub(r"_+|(?<!\d)-+|-+(?!\d)", " ", stem) if " " not in stem else stem
    words = " ".join("".join(c if c.isprintable() else " " for c in words).split()) or "untitled"
    return (words[0].upper() + words[1:] if words.islower() else words)[:_MAX_TITLE]
