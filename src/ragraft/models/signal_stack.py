"""Keeps the stack on which this thread handles signals.

OpenVINO's CPU plug-in gives the thread that loads it a signal stack of its own (for processors whose
registers outgrow the usual one) and unmaps it when its last user is closed. Two models closed in another
order than they were opened leave the thread with an unmapped stack, and the next signal, a Ctrl-C for one,
kills the process. Python's own stack is large enough, so it is put back at once.
"""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["kept_signal_stack"]


class _Stack(ctypes.Structure):
    """stack_t of Linux (sigaltstack(2))."""

    _fields_ = (("sp", ctypes.c_void_p), ("flags", ctypes.c_int), ("size", ctypes.c_size_t))


@contextmanager
def kept_signal_stack() -> Iterator[None]:
    """Give this thread back, at the end of the block, the signal stack that it had before."""
    if sys.platform != "linux":  # elsewhere OpenVINO leaves it alone
        yield
        return
    sigaltstack = ctypes.CDLL(None).sigaltstack
    before = _Stack()
    known = sigaltstack(None, ctypes.byref(before)) == 0
    try:
        yield
    finally:
        if known:
            sigaltstack(ctypes.byref(before), None)
