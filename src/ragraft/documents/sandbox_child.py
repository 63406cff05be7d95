"""The sandbox's child: reads one file after the other until its parent goes away.

A request is two frames, the kind and the content. A reply is one frame of JSON: either text, title,
pages and metadata, or unreadable and hint. JSON, because a reader that a file took over must not be
able to hand its parent a pickle.
"""

from __future__ import annotations

import ctypes
import json
import os
import resource
import shutil
import signal
import socket
import sys
import tempfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict
from importlib import import_module
from pathlib import Path
from typing import Any

from ragraft.documents.formats.extracted import Extracted, UnsoundError
from ragraft.documents.formats.pdf import read_pdf
from ragraft.documents.formats.plain import storable
from ragraft.documents.frames import Channel, ChannelClosedError
from ragraft.errors import UnreadableError

_PR_SET_PDEATHSIG = 1
# Standard error goes to a file that the parent reads when the child has died.
_MAX_FILE_BYTES = 1_000_000
# The least that is a PDF; reading it loads pdfium.
_TINY_PDF = (
    b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n"
    b"2 0 obj<</Type/Pages/Kids[]/Count 0>>endobj\ntrailer<</Root 1 0 R>>"
)


Read = Callable[..., Extracted]


def main(channel_number: str, parent: str, memory_bytes: str, max_characters: str, reader: str) -> None:
    """Serve requests from the channel until it closes; `reader` is the "module:function" that reads a file."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _die_with(int(parent))
    channel = Channel(socket.socket(fileno=int(channel_number)))
    module, _, name = reader.partition(":")
    read: Read = getattr(import_module(module), name)
    _load_pdfium()
    _limit(int(memory_bytes))
    with suppress(ChannelClosedError):
        channel.send(b"ready")
        while True:
            kind = channel.receive().decode()
            reply, is_sound = _reply(read, channel.receive(), kind, int(max_characters))
            channel.send(reply)
            if not is_sound:
                return


def _reply(read: Read, content: bytes, kind: str, max_characters: int) -> tuple[bytes, bool]:
    """Return the reply, and whether this process may read another file."""
    reply: dict[str, Any]
    is_sound = True
    try:
        found = read(content, kind=kind, max_characters=max_characters)
        # Same length before and after, so the pages' offsets hold.
        reply = {**asdict(found), "text": storable(found.text)}
    except UnreadableError as error:
        reply = {"unreadable": str(error), "hint": error.hint}
    except MemoryError:
        is_sound = False
        reply = {"unreadable": "needs more memory than a file may use", "hint": "split the file"}
    except Exception as error:  # noqa: BLE001 - what a reader trips over is a fault of the file
        is_sound = not isinstance(error, UnsoundError)
        reason = " ".join(f"{type(error).__name__}: {error}".split())
        reply = {
            "unreadable": f"is damaged: {reason[:200]}",
            "hint": "open it, save it again and add it once more",
        }
    return json.dumps(reply, ensure_ascii=False).encode("utf-8", "replace"), is_sound


def _die_with(parent: int) -> None:
    """Have the kernel kill this process when its parent dies, even while a reader never returns."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        sys.exit("the parent is gone")


def _load_pdfium() -> None:
    """Load pdfium from a folder of our own.

    kreuzberg unpacks it to a fixed name in the temporary folder and loads what lies there: on a shared
    machine that could be anyone's. Once loaded the file is not needed.
    """
    folder = tempfile.mkdtemp(prefix="ragraft-")
    os.environ["TMPDIR"] = folder
    try:
        read_pdf(_TINY_PDF, max_characters=0)
    except UnreadableError:
        pass  # It has no pages: as expected.
    finally:
        shutil.rmtree(folder)


def _limit(memory_bytes: int) -> None:
    """Limit memory to so much more than is used now, files to what an error message needs, no core dump."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (_MAX_FILE_BYTES, _MAX_FILE_BYTES))
    if sys.platform == "linux":
        pages = int(Path("/proc/self/statm").read_text().split()[0])
        limit = pages * resource.getpagesize() + memory_bytes
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))


if __name__ == "__main__":
    main(*sys.argv[1:])
