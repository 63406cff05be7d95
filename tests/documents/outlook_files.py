"""Writes Outlook messages: a compound file (MS-CFB) with a stream per property (MS-OXMSG)."""

from __future__ import annotations

import struct

_SECTOR = 512
_MINI = 64
_END, _FREE, _FAT = 0xFFFFFFFE, 0xFFFFFFFF, 0xFFFFFFFD
_UNICODE = 0x001F


def msg(*, subject: str, sender: str, body: str) -> bytes:
    """An Outlook message with these three properties."""
    texts = {0x001A: "IPM.Note", 0x0037: subject, 0x0C1A: sender, 0x1000: body}
    header = bytes(8) + struct.pack("<IIII", 0, 0, 0, 0) + bytes(8)
    entries = b""
    streams = {}
    for tag, text in texts.items():
        encoded = text.encode("utf-16-le")
        entries += struct.pack("<HHIII", _UNICODE, tag, 6, len(encoded) + 2, 0)
        streams[f"__substg1.0_{tag:04X}{_UNICODE:04X}"] = encoded
    return _compound({"__properties_version1.0": header + entries, **streams})


def _compound(streams: dict[str, bytes]) -> bytes:
    """A compound file of small streams: all of them lie in the mini stream, which the root holds."""
    mini, mini_fat, starts = b"", [], {}
    for name, content in streams.items():
        count = -(-len(content) // _MINI)
        starts[name] = len(mini_fat)
        mini_fat += [*range(len(mini_fat) + 1, len(mini_fat) + count), _END]
        mini += content.ljust(count * _MINI, b"\0")
    # The directory is a search tree by length of the name, then by name; a chain to the right is one.
    names = sorted(streams, key=lambda name: (len(name), name.upper()))
    directory = _entry("Root Entry", 5, child=1, start=0, size=len(mini))
    for place, name in enumerate(names, start=1):
        right = place + 1 if place < len(names) else _FREE
        directory += _entry(name, 2, right=right, start=starts[name], size=len(streams[name]))
    parts = [
        _sectors(mini),
        _sectors(directory),
        _sectors(struct.pack(f"<{len(mini_fat)}I", *mini_fat), b"\xff"),
    ]
    fat: list[int] = []
    begins = []
    for part in parts:
        begins.append(len(fat))
        count = len(part) // _SECTOR
        fat += [*range(len(fat) + 1, len(fat) + count), _END]
    parts.append(_sectors(struct.pack(f"<{len(fat) + 1}I", *fat, _FAT), b"\xff"))
    header = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(16)
    header += struct.pack("<HHHHH", 0x3E, 3, 0xFFFE, 9, 6) + bytes(6)
    header += struct.pack("<IIIIIIIII", 0, 1, begins[1], 0, 4096, begins[2], 1, _END, 0)
    header += struct.pack("<109I", len(fat), *[_FREE] * 108)
    return header + b"".join(parts)


def _entry(name: str, kind: int, *, right: int = _FREE, child: int = _FREE, start: int, size: int) -> bytes:
    encoded = name.encode("utf-16-le")
    return (
        encoded.ljust(64, b"\0")
        + struct.pack("<HBBIII", len(encoded) + 2, kind, 1, _FREE, right, child)
        + bytes(36)
        + struct.pack("<IQ", start, size)
    )


def _sectors(content: bytes, fill: bytes = b"\0") -> bytes:
    return content.ljust(-(-len(content) // _SECTOR) * _SECTOR, fill)
