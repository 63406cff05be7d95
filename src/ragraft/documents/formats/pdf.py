"""PDF: the text layer, page by page, by pdfium through kreuzberg."""

from __future__ import annotations

import re

from ragraft.documents.formats.extracted import Extracted, TextWriter, unix_newlines
from ragraft.documents.formats.rust_core import extract
from ragraft.errors import UnreadableError

__all__ = ["read_pdf"]

# pdfium marks a word cut at a line's end with U+0002 or U+FFFE where the page shows a hyphen.
_CUT_WORD = re.compile("[\x02\ufffe]")
_METADATA = {"subject": "subject", "authors": "author", "created_at": "created", "modified_at": "modified"}


def read_pdf(content: bytes, *, max_characters: int) -> Extracted:
    """Return the text of a PDF; each page is text[start:end] of its span.

    Raises: UnreadableError if it needs a password, has no text layer or is damaged.
    """
    found = extract(content, media_type="application/pdf")
    writer = TextWriter(max_characters=max_characters)
    pages = found.pages or []
    for page in pages:
        writer.page(page["page_number"], [_CUT_WORD.sub("-", unix_newlines(page["content"]))])
    metadata = {name: found.metadata[key] for key, name in _METADATA.items() if found.metadata.get(key)}
    result = writer.extracted(
        title=str(found.metadata.get("title") or ""), metadata={**metadata, "page_count": len(pages)}
    )
    if not result.pages:
        raise UnreadableError(
            f"has no text layer: its {len(pages)} pages are images or blank, and ragraft does no OCR",
            hint="run it through an OCR program that writes searchable PDF, and add that",
        )
    return result
