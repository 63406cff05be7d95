"""A reader that does, in the sandbox's child, the worst that a file could make a real one do."""

from __future__ import annotations

import ctypes
import os
import sys
import time

from ragraft.documents.formats.extracted import Extracted, UnsoundError
from ragraft.documents.formats.readers import read as real_read


def read(content: bytes, *, kind: str, max_characters: int) -> Extracted:
    if kind == "hang":
        time.sleep(600)
    elif kind == "crash":
        ctypes.string_at(0)
    elif kind == "abort":
        os.abort()
    elif kind == "exit":
        os._exit(0)
    elif kind == "once":
        # Crashes in a child that has read before; a new child reads it.
        if read.__dict__.get("served"):
            os.abort()
    elif kind == "memory":
        return Extracted(str(len(bytearray(8 * 1024**3))))
    elif kind == "rust memory":
        os.write(2, b"memory allocation of 8589934592 bytes failed\n")
        os.abort()
    elif kind == "flood":
        return Extracted("x" * (20 * max_characters + 40_000_000))
    elif kind == "noise":
        os.write(1, b"noise\n")
        os.write(2, b"noise\n" * 1_000_000)
        print("more noise")
    elif kind == "bad pages":
        return Extracted("text", pages=((1, 0, 99),))
    elif kind == "environment":
        return Extracted("\n".join(sorted(os.environ)))
    elif kind == "modules":
        return Extracted("\n".join(sys.modules))
    elif kind == "surrogate":
        return Extracted("a\x00b\ud800c", pages=((1, 0, 5),))
    elif kind == "pid":
        return Extracted(str(os.getpid()))
    elif kind == "panic":
        raise UnsoundError("task 1 panicked")
    elif kind == "raise":
        raise KeyError("word/document.xml")
    else:
        return real_read(content, kind=kind, max_characters=max_characters)
    read.__dict__["served"] = True
    return Extracted("read")
