"""E-mail (.eml): subject, from, to, date and the body as text; attachments are named, not read."""

from __future__ import annotations

import email
import email.policy
from email.message import EmailMessage, Message
from typing import Any, cast

from ragraft.documents.formats.extracted import Extracted, TextWriter, unix_newlines
from ragraft.documents.formats.html import HtmlText
from ragraft.documents.formats.plain import decode
from ragraft.errors import UnreadableError

__all__ = ["read_eml"]

_HEADERS = ("Subject", "From", "To", "Cc", "Date")


def read_eml(content: bytes, *, max_characters: int) -> Extracted:
    """Return a message: its headers a line each, then its body, plain if it has one, else from HTML.

    Raises: UnreadableError if it has neither headers nor a body.
    """
    message = email.message_from_bytes(content, policy=email.policy.default)
    headers = {name: header for name in _HEADERS if (header := _header(message, name))}
    blocks = _body_blocks(message)
    if not headers or (not blocks and not message.get("Subject")):
        raise UnreadableError("is not an e-mail: it has no subject, sender or date")
    writer = TextWriter(max_characters=max_characters)
    writer.block("\n".join(f"{name}: {header}" for name, header in headers.items()))
    for block in blocks:
        writer.block(block)
    metadata: dict[str, Any] = {name.lower(): header for name, header in headers.items()}
    if attachments := _attachments(message):
        metadata["attachments"] = attachments
    return writer.extracted(title=headers.get("Subject", ""), metadata=metadata)


def _header(message: EmailMessage, name: str) -> str:
    try:
        parsed = str(message.get(name, ""))
    except (ValueError, IndexError, AttributeError, TypeError):
        # The parser of structured headers gives up on some malformed addresses and dates.
        parsed = ""
    raw = dict(message.raw_items()).get(name, "")
    return " ".join((parsed or str(raw)).split())


def _body_blocks(message: EmailMessage) -> list[str]:
    for kind in ("plain", "html"):
        part = message.get_body(preferencelist=(kind,))
        text = _text_of(cast("EmailMessage", part)) if part is not None else ""
        if kind == "html":
            return HtmlText(text).blocks
        if text.strip():
            return [unix_newlines(text).strip("\n")]
    return []


def _text_of(part: EmailMessage) -> str:
    payload = part.get_payload(decode=True)
    content = payload if isinstance(payload, bytes) else b""
    try:
        return decode(content, declared=part.get_content_charset("")).text
    except UnreadableError:
        # The headers have shown that it is a message; its body is what it is.
        return content.decode("utf-8", "replace")


def _attachments(message: EmailMessage) -> list[dict[str, Any]]:
    try:
        parts = list(message.iter_attachments())
    except AttributeError:
        # Says it has parts and has none.
        return []
    return [_attachment(part) for part in parts]


def _attachment(part: Message) -> dict[str, Any]:
    payload = part.get_payload(decode=True)
    name = part.get_filename() or ""
    if part.get_content_type() == "message/rfc822" and not name:
        inner = part.get_payload()
        first = inner[0] if isinstance(inner, list) and inner else None
        name = str(first.get("Subject", "")) if isinstance(first, Message) else ""
    size = len(payload) if isinstance(payload, bytes) else 0
    return {"name": name, "media_type": part.get_content_type(), "bytes": size}
