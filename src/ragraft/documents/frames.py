"""Frames over a socket: 8 bytes of length, big-endian, and as many bytes."""

from __future__ import annotations

import socket
import struct
import time

__all__ = ["Channel", "ChannelClosedError", "FrameTooLargeError"]


class ChannelClosedError(Exception):
    """The other side is gone."""


class FrameTooLargeError(Exception):
    """The other side announces more than is accepted."""


class Channel:
    """One end of a socket pair. A deadline is a time of time.monotonic; TimeoutError says it passed."""

    def __init__(self, end: socket.socket) -> None:
        self._end = end

    def send(self, content: bytes, *, deadline: float | None = None) -> None:
        """Send one frame. Raises: ChannelClosedError, TimeoutError."""
        try:
            for part in (struct.pack(">Q", len(content)), content):
                self._end.settimeout(_left(deadline))
                self._end.sendall(part)
        except (BrokenPipeError, ConnectionError) as error:
            raise ChannelClosedError from error

    def receive(self, *, deadline: float | None = None, max_bytes: int | None = None) -> bytes:
        """Return the next frame. Raises: ChannelClosedError, FrameTooLargeError, TimeoutError."""
        length = struct.unpack(">Q", self._exactly(8, deadline))[0]
        if max_bytes is not None and length > max_bytes:
            raise FrameTooLargeError
        return bytes(self._exactly(length, deadline))

    def close(self) -> None:
        """Close this end."""
        self._end.close()

    def _exactly(self, length: int, deadline: float | None) -> bytearray:
        content = bytearray(length)
        view = memoryview(content)
        while view:
            self._end.settimeout(_left(deadline))
            try:
                count = self._end.recv_into(view)
            except ConnectionError as error:
                raise ChannelClosedError from error
            if count == 0:
                raise ChannelClosedError
            view = view[count:]
        return content


def _left(deadline: float | None) -> float | None:
    if deadline is None:
        return None
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left
