"""Text files: find the encoding, decode, and keep every character as it is."""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass

from ragraft.errors import UnreadableError

__all__ = ["Decoded", "decode", "storable"]

_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_SAMPLE = 65_536
# What a text file has no use for. Valid UTF-8 may hold any number; in a guessed encoding they are,
# above one in a hundred characters, the sign of a binary file.
_CONTROLS = re.compile("[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f-\x9f]")
_MOST_STRANGE = 0.01
_NOT_STORABLE = re.compile("[\x00\ud800-\udfff]")
# EBCDIC, UTF-7 and bare UTF-16 decode nearly anything, so they "fit" bytes that are no text at all;
# the others are so rare that the detector's naming them is more often its mistake than the truth.
_IMPLAUSIBLE = [
    *("cp037", "cp273", "cp424", "cp500", "cp875", "cp1026", "cp1140", "utf_7", "hz"),
    *("utf_16", "utf_16_le", "utf_16_be", "utf_32", "utf_32_le", "utf_32_be"),
    *("iso8859_4", "iso8859_10", "iso8859_13", "iso8859_14", "iso8859_16"),
    *("mac_greek", "mac_iceland", "mac_latin2", "mac_turkish", "mac_cyrillic"),
]


@dataclass(frozen=True, slots=True)
class Decoded:
    """A file's text. content.decode(encoding) == text, unless characters had to be `replaced`."""

    text: str
    encoding: str
    replaced: int = 0


def decode(content: bytes, *, declared: str = "") -> Decoded:
    """Return the text of a file: by its byte-order mark, as UTF-8, as declared, or in a detected encoding.

    Newlines stay as they are; a byte-order mark is no character of the text. A file that is UTF-8
    but for a few damaged bytes is read as such, with U+FFFD for each and their number in `replaced`.

    Raises: UnreadableError if the content is binary or its encoding cannot be told.
    """
    for mark, encoding in _BOMS:
        if content.startswith(mark):
            return Decoded(_strictly(content, encoding), encoding)
    if b"\x00" in content:
        return _unmarked_utf16(content)
    try:
        return Decoded(content.decode("utf-8"), "utf-8")
    except UnicodeDecodeError:
        return _as_declared(content, declared) or _damaged_utf8(content) or _legacy(content)


def storable(text: str) -> str:
    """Return the text with U+FFFD for what PostgreSQL cannot hold: NUL and lone surrogates."""
    return _NOT_STORABLE.sub("\ufffd", text)


def _strictly(content: bytes, encoding: str) -> str:
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError as error:
        raise UnreadableError(f"begins like {encoding} text but byte {error.start} does not fit") from error
    if _NOT_STORABLE.search(text):
        raise _binary()
    return text


def _unmarked_utf16(content: bytes) -> Decoded:
    """Read UTF-16 without its mark: mostly Latin text then has NUL as every second byte."""
    for offset, encoding in ((1, "utf-16-le"), (0, "utf-16-be")):
        high, low = content[offset::2], content[1 - offset :: 2]
        if len(content) % 2 == 0 and b"\x00" not in low and high.count(0) * 4 > len(high) * 3:
            return Decoded(_strictly(content, encoding), encoding)
    raise _binary()


def _as_declared(content: bytes, declared: str) -> Decoded | None:
    try:
        # Browsers read Latin-1 as its superset, and so do the authors of pages.
        name = codecs.lookup(declared).name
        encoding = "cp1252" if name == "iso8859-1" else name
        text = content.decode(encoding)
    except (LookupError, UnicodeError):
        return None
    return None if _NOT_STORABLE.search(text) else Decoded(text, encoding)


def _damaged_utf8(content: bytes) -> Decoded | None:
    text = content.decode("utf-8", "replace")
    if _NOT_STORABLE.search(text):
        return None
    replaced = text.count("\ufffd") - content.count("\ufffd".encode())
    sound = sum(map(len, re.findall("[^\x00-\x7f\ufffd]+", text)))
    return Decoded(text, "utf-8", replaced) if sound >= 10 * replaced else None


def _legacy(content: bytes) -> Decoded:
    from charset_normalizer import from_bytes

    # The neighbourhood of the first non-ASCII byte says most; pure ASCII before it says nothing.
    first = next(re.finditer(rb"[\x80-\xff]", content)).start()
    sample = content[max(0, first - 1024) : first + _SAMPLE]
    found = from_bytes(sample, cp_exclusion=_IMPLAUSIBLE).best()
    encoding = found.encoding if found is not None else "utf-8"
    # Where the sample reads the same either way, the rest is likelier to be in the common one.
    if sample.decode(encoding, "replace") == sample.decode("cp1252", "replace"):
        encoding = "cp1252"
    text = content.decode(encoding, "replace")
    replaced = text.count("\ufffd")
    strange = replaced + sum(1 for _ in _CONTROLS.finditer(text))
    if strange > _MOST_STRANGE * len(text) or _NOT_STORABLE.search(text):
        raise _binary()
    return Decoded(text, encoding, replaced)


def _binary() -> UnreadableError:
    return UnreadableError(
        "is binary, or text in an encoding that cannot be told",
        hint="if it is text, save it as UTF-8 and add it again",
    )
