"""From the bytes of one file to text with exact offsets."""

from __future__ import annotations

import re
from typing import Any, Self

from ragraft.documents.formats.kinds import Kind, kind_of
from ragraft.documents.formats.markdown import first_heading, read_front_matter
from ragraft.documents.formats.plain import Decoded, decode, storable
from ragraft.documents.formats.titles import readable_stem, sensible_title
from ragraft.documents.language import detect_language
from ragraft.documents.sandbox import Sandbox
from ragraft.errors import UnreadableError
from ragraft.types import PageSpan, ParsedDocument

__all__ = ["FileParser"]

# A "#" at the start of a line is no heading there.
_UNMARKED = frozenset({"pdf", "eml", "msg"})


class FileParser:
    """Reads every format in `formats.kinds`; fits the Parser seam.

    Text formats (Markdown, text, CSV, JSON) keep every character of the file. The others are read in a
    sandbox - PDF and Outlook as plain text, the rest as Markdown - whose child process is kept for the
    next file: close the parser, or use it in a `with`.
    """

    def __init__(self, *, sandbox: Sandbox | None = None) -> None:
        self._sandbox = sandbox or Sandbox()

    def parse(self, content: bytes, *, name: str, media_type: str = "") -> ParsedDocument:
        """Return the text of a file, its title, its language and its pages.

        `name` is its file name or uri: it helps to tell the format and stands in for a title.

        Metadata always has `format` (a name in `formats.kinds`); text formats have `encoding`, and
        `replaced_characters` if bytes were damaged; Markdown has `body_start`, the front matter's
        values under `front_matter`, and `front_matter_fault` if it is not valid YAML.

        Raises: UnreadableError with the reason.
        """
        if not content.strip():
            raise UnreadableError("is empty")
        kind = kind_of(content, name=name, media_type=media_type)
        charset = _charset(media_type)
        if kind.binary:
            # The server's word on the encoding counts more than the page's.
            if kind.name == "html" and charset:
                content = decode(content, declared=charset).text.encode()
            return self._parse_binary(content, kind, name)
        return _parse_text(decode(content, declared=charset), kind, name)

    def close(self) -> None:
        """End the child process, if there is one. Parsing again starts a new one."""
        self._sandbox.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _parse_binary(self, content: bytes, kind: Kind, name: str) -> ParsedDocument:
        found = self._sandbox.extract(content, kind=kind.name)
        text = storable(found.text)
        if not text.strip():
            raise UnreadableError("holds no text")
        heading = "" if kind.name in _UNMARKED else first_heading(text)
        title = sensible_title(found.title) or heading or readable_stem(name)
        return ParsedDocument(
            text=text,
            title=storable(title),
            media_type=kind.media_type,
            language=detect_language(text) or _two_letters(found.metadata.get("lang")),
            pages=tuple(PageSpan(*page) for page in found.pages),
            metadata=_storable_values({"format": kind.name, **found.metadata}),
        )


def _parse_text(decoded: Decoded, kind: Kind, name: str) -> ParsedDocument:
    if not decoded.text.strip():
        raise UnreadableError("is empty")
    metadata: dict[str, Any] = {"format": kind.name, "encoding": decoded.encoding}
    if decoded.replaced:
        metadata["replaced_characters"] = decoded.replaced
    title, body_start, declared = "", 0, ""
    if kind.name == "markdown":
        front = read_front_matter(decoded.text)
        body_start = front.body_start
        metadata |= {"body_start": body_start, "front_matter": front.values}
        if front.fault:
            metadata["front_matter_fault"] = front.fault
        declared = _two_letters(front.values.get("lang") or front.values.get("language"))
        title = sensible_title(front.values.get("title")) or first_heading(decoded.text, start=body_start)
    return ParsedDocument(
        text=decoded.text,
        title=storable(title or readable_stem(name)),
        media_type=kind.media_type,
        language=detect_language(decoded.text[body_start:]) or declared,
        metadata=_storable_values(metadata),
    )


def _charset(media_type: str) -> str:
    found = re.search(r"charset\s*=\s*[\"']?([\w.:-]+)", media_type, re.IGNORECASE)
    return found[1] if found else ""


def _two_letters(code: object) -> str:
    """Return the ISO 639-1 part of a language tag like de-AT, or ""."""
    found = re.fullmatch(r"([a-z]{2})(?:[-_].*)?", code.strip().lower()) if isinstance(code, str) else None
    return found[1] if found else ""


def _storable_values(value: Any) -> Any:
    if isinstance(value, str):
        return storable(value)
    if isinstance(value, dict):
        return {storable(key): _storable_values(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_storable_values(item) for item in value]
    return value
