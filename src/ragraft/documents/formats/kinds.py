"""Which formats ragraft reads, and how it tells them apart: by content first, then by name."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePosixPath

from ragraft.documents.formats.archive import office_format
from ragraft.errors import UnreadableError

__all__ = ["DOCUMENT_SUFFIXES", "KINDS", "Kind", "kind_of"]


@dataclass(frozen=True, slots=True)
class Kind:
    """One file format. `binary` formats are parsed in the sandbox, the others decoded by us."""

    name: str
    media_type: str
    suffixes: tuple[str, ...]
    binary: bool = False
    aliases: tuple[str, ...] = ()


_OFFICE = "application/vnd.openxmlformats-officedocument"

KINDS: dict[str, Kind] = {
    kind.name: kind
    for kind in (
        Kind(
            "markdown", "text/markdown", (".md", ".markdown", ".mdown", ".mkd"), aliases=("text/x-markdown",)
        ),
        Kind("text", "text/plain", (".txt", ".text", ".rst", ".adoc", ".asciidoc", ".org")),
        Kind("csv", "text/csv", (".csv",), aliases=("application/csv",)),
        Kind("tsv", "text/tab-separated-values", (".tsv", ".tab")),
        Kind("json", "application/json", (".json",), aliases=("text/json",)),
        Kind(
            "jsonl",
            "application/x-ndjson",
            (".jsonl", ".ndjson"),
            aliases=("application/jsonl", "application/x-jsonlines"),
        ),
        Kind(
            "html", "text/html", (".html", ".htm", ".xhtml"), binary=True, aliases=("application/xhtml+xml",)
        ),
        Kind("pdf", "application/pdf", (".pdf",), binary=True, aliases=("application/x-pdf",)),
        Kind("docx", f"{_OFFICE}.wordprocessingml.document", (".docx",), binary=True),
        Kind("pptx", f"{_OFFICE}.presentationml.presentation", (".pptx",), binary=True),
        Kind("xlsx", f"{_OFFICE}.spreadsheetml.sheet", (".xlsx",), binary=True),
        Kind("eml", "message/rfc822", (".eml",), binary=True),
        Kind("msg", "application/vnd.ms-outlook", (".msg",), binary=True),
    )
}
"""Every format, by name."""

_BY_SUFFIX = {suffix: kind for kind in KINDS.values() for suffix in kind.suffixes}
_BY_MEDIA_TYPE = {media: kind for kind in KINDS.values() for media in (kind.media_type, *kind.aliases)}

DOCUMENT_SUFFIXES = frozenset(_BY_SUFFIX)
"""The suffixes, in lower case, by which a folder's files are taken for documents."""

# A server says text/plain of everything it does not know, so the name is the better witness there.
_VAGUE_MEDIA_TYPES = frozenset({"", "text/plain", "application/octet-stream", "binary/octet-stream"})

_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_FOREIGN = {
    b"\x89PNG\r\n": "a PNG image",
    b"\xff\xd8\xff": "a JPEG image",
    b"GIF8": "a GIF image",
    b"\x1f\x8b": "a gzip archive",
    b"BZh": "a bzip2 archive",
    b"\xfd7zXZ": "an xz archive",
    b"7z\xbc\xaf": "a 7-Zip archive",
    b"Rar!": "a RAR archive",
    b"\x7fELF": "a program",
    b"SQLite format 3": "an SQLite database",
    b"{\\rtf": "an RTF document",
}


def kind_of(content: bytes, *, name: str, media_type: str = "") -> Kind:
    """Return the format of a file.

    What the content proves (PDF, Office, Outlook) wins over the name; among text formats the
    content proves nothing, so a specific media type wins, then the suffix, then plain text.

    Raises: UnreadableError if the content contradicts the name or is of a format not read here.
    """
    suffix = PurePosixPath(name).suffix.lower()
    media = media_type.split(";")[0].strip().lower()
    said = _BY_SUFFIX.get(suffix)
    if media not in _VAGUE_MEDIA_TYPES:
        said = _BY_MEDIA_TYPE.get(media, said)
    proved = _proved_by_content(content)
    if proved is not None:
        return proved
    if said is None:
        return KINDS["html"] if _looks_like_html(content) else KINDS["text"]
    # Some writers put bytes before the header; readers accept it anywhere in the first kilobyte.
    if said.name == "pdf" and b"%PDF-" in content[:1024]:
        return said
    if said.name in {"pdf", "docx", "pptx", "xlsx", "msg"}:
        raise UnreadableError(
            f"is named or served as {said.name.upper()} but its content is not",
            hint="it may be damaged or only partly downloaded; open it, save it again and add it once more",
        )
    return said


def _proved_by_content(content: bytes) -> Kind | None:
    if content.startswith(b"PK\x03\x04"):
        return KINDS[office_format(content)]
    if content.startswith(_OLE):
        return _ole_kind(content)
    if content.startswith(b"%PDF-"):
        return KINDS["pdf"]
    for magic, what in _FOREIGN.items():
        if content.startswith(magic):
            raise UnreadableError(f"is {what}, which is not a format ragraft reads")
    return None


def _ole_kind(content: bytes) -> Kind:
    def has(stream: str) -> bool:
        return stream.encode("utf-16-le") in content

    if has("EncryptedPackage"):
        raise UnreadableError(
            "is encrypted with a password", hint="open it, save it without the password and add that"
        )
    if has("__properties_version1.0"):
        return KINDS["msg"]
    for stream, modern in (("WordDocument", "DOCX"), ("PowerPoint Document", "PPTX"), ("Workbook", "XLSX")):
        if has(stream):
            raise UnreadableError("is in the Office format of before 2007", hint=f"save it as {modern}")
    raise UnreadableError("is an OLE container of a kind ragraft does not read")


def _looks_like_html(content: bytes) -> bool:
    start = content[:512].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    return start.startswith((b"<!doctype html", b"<html"))
