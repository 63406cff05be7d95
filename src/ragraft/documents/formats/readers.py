"""Which module reads which binary format. Loaded in the sandbox's child, never in the parent."""

from __future__ import annotations

from importlib import import_module

from ragraft.documents.formats.extracted import Extracted

__all__ = ["read"]

_READERS = {
    "pdf": "ragraft.documents.formats.pdf:read_pdf",
    "msg": "ragraft.documents.formats.msg:read_msg",
    "docx": "ragraft.documents.formats.docx:read_docx",
    "pptx": "ragraft.documents.formats.pptx:read_pptx",
    "xlsx": "ragraft.documents.formats.xlsx:read_xlsx",
    "html": "ragraft.documents.formats.html:read_html",
    "eml": "ragraft.documents.formats.mail:read_eml",
}


def read(content: bytes, *, kind: str, max_characters: int) -> Extracted:
    """Return what the reader of this kind makes of the content; raises whatever it raises."""
    module, _, name = _READERS[kind].partition(":")
    result: Extracted = getattr(import_module(module), name)(content, max_characters=max_characters)
    return result
