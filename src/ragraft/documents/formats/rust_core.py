"""kreuzberg's Rust core, kept from caching, OCR and the network."""

from __future__ import annotations

from typing import Any

from ragraft.documents.formats.extracted import UnsoundError
from ragraft.errors import UnreadableError

__all__ = ["extract"]


def extract(content: bytes, *, media_type: str) -> Any:
    """Return kreuzberg's result for a file: `content`, `pages`, `metadata`, all as plain text.

    Raises: UnreadableError if the file needs a password or is damaged; UnsoundError if the core panicked.
    """
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
    except MemoryError:
        raise
    except Exception as error:
        reason = " ".join(str(error).split())
        if not isinstance(error, KreuzbergError) or "panic" in reason or "poison" in reason:
            # A panic leaves pdfium's lock poisoned, and every PDF after it would fail.
            raise UnsoundError(reason) from error
        if "password" in reason.lower():
            raise UnreadableError(
                "is encrypted with a password", hint="save it without the password and add that"
            ) from error
        raise UnreadableError(f"is damaged: {reason[:200]}") from error
