"""PDF and Outlook messages through kreuzberg's Rust core; it is kept from caching, OCR and the network."""

from __future__ import annotations

import re
from typing import Any

from ragraft.documents.formats.extracted import Extracted, TextWriter, unix_newlines
from ragraft.errors import UnreadableError

__all__ = ["read_msg", "read_pdf"]

# pdfium marks a word cut at a line's end with U+0002 or U+FFFE where the page shows a hyphen.
_CUT_WORD = re.compile("[\x02\ufffe]")
_METADATA = {"subject": "subject", "authors": "author", "created_at": "created", "modified_at": "modified"}


def read_pdf(content: bytes, *, max_characters: int) -> Extracted:
    """Return the text layer of a PDF, page by page.

    Raises: UnreadableError if it needs a password, has no text layer or is damaged.
    """
    found = _extracted(content, "application/pdf")
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


def read_msg(content: bytes, *, max_characters: int) -> Extracted:
    """Return an Outlook message: its headers and its body; attachments are named, not read."""
    found = _extracted(content, "application/vnd.ms-outlook")
    writer = TextWriter(max_characters=max_characters)
    writer.block(unix_newlines(found.content))
    said = found.metadata
    metadata = {
        name: said[key]
        for key, name in {"subject": "subject", "from_email": "from", "created_at": "date"}.items()
        if said.get(key)
    }
    if said.get("attachments"):
        metadata["attachments"] = [{"name": str(name)} for name in said["attachments"]]
    return writer.extracted(title=str(said.get("subject") or ""), metadata=metadata)


def _extracted(content: bytes, media_type: str) -> Any:
    from kreuzberg import ConcurrencyConfig, ExtractionConfig, PageConfig, extract_bytes_sync
    from kreuzberg.exceptions import KreuzbergError

    config = ExtractionConfig(
        use_cache=False,
        enable_quality_processing=False,
        output_format="plain",
        pages=PageConfig(extract_pages=True),
        concurrency=ConcurrencyConfig(max_threads=1),
    )
    try:
        return extract_bytes_sync(content, media_type, config)
    except KreuzbergError as error:
        reason = " ".join(str(error).split())
        if "password" in reason.lower():
            raise UnreadableError(
                "is encrypted with a password", hint="save it without the password and add that"
            ) from error
        raise UnreadableError(f"is damaged: {reason[:200]}") from error
