"""Outlook messages (.msg): headers and body; attachments are named, not read."""

from __future__ import annotations

from typing import Any

from ragraft.documents.formats.extracted import Extracted, TextWriter, unix_newlines
from ragraft.documents.formats.rust_core import extract

__all__ = ["read_msg"]


def read_msg(content: bytes, *, max_characters: int) -> Extracted:
    """Return an Outlook message as text. Raises: UnreadableError if it is damaged."""
    found = extract(content, media_type="application/vnd.ms-outlook")
    said = found.metadata
    sender = str(said.get("from_email") or said.get("from_name") or "")
    text = unix_newlines(found.content)
    writer = TextWriter(max_characters=max_characters)
    # kreuzberg leaves the sender out where the message knows only the name.
    writer.block(f"From: {sender}\n{text}" if sender and sender not in text[:2000] else text)
    metadata: dict[str, Any] = {
        "subject": said.get("subject"),
        "from": sender,
        "to": ", ".join(said.get("to_emails") or ()),
        "date": said.get("created_at"),
        "attachments": [{"name": str(name)} for name in said.get("attachments") or ()],
    }
    return writer.extracted(
        title=str(said.get("subject") or ""),
        metadata={name: value for name, value in metadata.items() if value},
    )
