"""PDF: the text layer, page by page, by pdfium through kreuzberg."""

from __future__ import annotations

import re

from ragraft.documents.formats.extracted import Extracted, TextWriter, unix_newlines
from ragraft.documents.formats.rust_core import extract
from ragraft.errors import UnreadableError

__all__ = ["read_pdf"]

# Where a line ends with a hyphen pdfium writes U+0002 or U+FFFE and leaves the line's end out.
_CUT_WORD = re.compile(r"(\w{0,40})[\x02\ufffe](\w{0,40})")
# kreuzberg 4.10 panics over a date with a character beyond ASCII, as "2024\u5e743\u67081\u65e5" of East Asian
# programs. Dates not of the standard's form lose their key: renamed in place, so that no offset moves.
_ODD_DATE = re.compile(rb"(/CreationDat|/ModDat)e(?=\s*\((?!D:\d{14}))")
_METADATA = {"subject": "subject", "authors": "author", "created_at": "created", "modified_at": "modified"}


def read_pdf(content: bytes, *, max_characters: int) -> Extracted:
    """Return the text of a PDF; each page is text[start:end] of its span.

    Raises: UnreadableError if it needs a password, has no text layer or is damaged.
    """
    found = extract(_ODD_DATE.sub(rb"\1_", content), media_type="application/pdf")
    writer = TextWriter(max_characters=max_characters)
    pages = found.pages or []
    texts = _with_whole_words([unix_newlines(page["content"]) for page in pages])
    for page, text in zip(pages, texts, strict=True):
        writer.page(page["page_number"], [text])
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


def _with_whole_words(pages: list[str]) -> list[str]:
    """Return the pages with words that were cut at a line's end put together.

    "commu-nication" loses its hyphen if the document has "communication" elsewhere; "well-known", and what
    cannot be told, keep it, as the page shows it.
    """
    if not any(_CUT_WORD.search(page) for page in pages):
        return pages
    words = {word.lower() for page in pages for word in re.findall(r"\w+", page)}

    def whole(cut: re.Match[str]) -> str:
        joined = cut[1] + cut[2]
        is_one_word = cut[1] and cut[2] and joined.lower() in words
        return joined if is_one_word else f"{cut[1]}-{cut[2]}"

    return [_CUT_WORD.sub(whole, page) for page in pages]
