"""The words of Markdown and HTML without their signs."""

from __future__ import annotations

import re

__all__ = ["readable"]

_TARGET = re.compile(r"!?\[([^\[\]]*)\]\((?:[^()\n]|\([^()\n]*\))*\)")
# HTML tags and the tags and attributes of template languages: <a id="x">, {% include x %}, {#x}, {: .y}
_TAG = re.compile(r"</?[A-Za-z!][^<>]*>|\{%[^%]*%\}|\{[:#][^{}]*\}")
_ANY = re.compile(r"[*_`\\\[\]<{#]")
_SIGN = re.compile(r"(?<!\w)[*_]+|[*_]+(?!\w)|[`\\\[\]]|^#+[ \t]+", re.MULTILINE)


def readable(text: str) -> str:
    """Return the text as it would be read aloud: no link targets, tags or signs of emphasis.

    Meant for what is embedded: an address or a tag says little and takes tokens. Spans always refer to
    the document's own text, never to this.
    """
    if not _ANY.search(text):
        return text
    return _SIGN.sub("", _TAG.sub(" ", _TARGET.sub(r"\1", text)))
