"""Connections that go only where they may: the address that was checked is the one connected to.

A name is resolved once; all its addresses must be public; the connection is made to one of them, so
that a name cannot be public when it is checked and private when it is used (DNS rebinding). TLS still
sees the name. Every operation ends at one deadline, however slowly the other side drips.
"""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network
from queue import Empty, SimpleQueue
from typing import Any

import httpcore

from ragraft.errors import FetchError

__all__ = ["CheckedNetwork", "Resolve", "is_public", "system_resolve"]

Resolve = Callable[[str, int], Sequence[str]]
"""Returns the addresses of a host name, as text. Raises OSError if there are none."""

# Public by number, but every machine of that cloud reaches its own host's secrets there.
_CLOUD_INSIDES = {ip_address("168.63.129.16")}
# The well-known prefix of RFC 6052: the last four bytes are an IPv4 address.
_NAT64 = IPv6Network("64:ff9b::/96")
# Reserved by IANA, and taken for public by some versions of Python.
_NOT_PUBLIC = [
    ip_network(net) for net in ("64:ff9b:1::/48", "192.0.0.0/24", "192.88.99.0/24", "5f00::/16", "3fff::/20")
]


def system_resolve(host: str, port: int) -> list[str]:
    """Return the addresses the system knows for a host."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def is_public(address: str) -> bool:
    """Tell whether an address is on the public internet, also if it wraps another (mapped, 6to4, NAT64)."""
    ip = ip_address(address.partition("%")[0])
    inner = _wrapped(ip)
    if inner is not None and not is_public(str(inner)):
        return False
    special = ip.is_multicast or ip.is_reserved or ip.is_link_local or ip.is_loopback or ip.is_unspecified
    if isinstance(ip, IPv6Address) and (ip.ipv4_mapped or ip in _NAT64):
        # The wrapping itself counts as reserved; what is inside has been judged.
        return True
    return ip.is_global and not special and ip not in _CLOUD_INSIDES and not _is_listed(ip)


def _is_listed(ip: IPv4Address | IPv6Address) -> bool:
    site_local = isinstance(ip, IPv6Address) and ip.is_site_local
    return site_local or any(ip in net for net in _NOT_PUBLIC)


def _wrapped(ip: IPv4Address | IPv6Address) -> IPv4Address | None:
    if isinstance(ip, IPv4Address):
        return None
    if ip in _NAT64:
        return IPv4Address(int(ip) & 0xFFFF_FFFF)
    return ip.ipv4_mapped or ip.sixtofour or (ip.teredo[1] if ip.teredo else None)


class CheckedNetwork(httpcore.NetworkBackend):
    """Opens connections for httpcore. Raises FetchError for an address that is not allowed.

    `deadline` is a time of time.monotonic. `connect` makes the connections, to addresses only.
    """

    def __init__(
        self, *, deadline: float, allow_private: bool, resolve: Resolve, connect: httpcore.NetworkBackend
    ) -> None:
        self._deadline = deadline
        self._allow_private = allow_private
        self._resolve = resolve
        self._connect = connect

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        """Connect to the first address of `host` that answers, after all of them were checked."""
        addresses = self._addresses(host, port)
        failure: Exception = httpcore.ConnectError(f"{host} has no address")
        for address in addresses:
            try:
                stream = self._connect.connect_tcp(
                    address, port, _left(self._deadline), local_address, socket_options
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
            else:
                return _TimedStream(stream, self._deadline)
        raise failure

    def _addresses(self, host: str, port: int) -> Sequence[str]:
        addresses = _within(self._deadline, lambda: self._resolve(host.strip("[]"), port))
        if not self._allow_private and not all(map(is_public, addresses)):
            raise FetchError(
                f"{host} is an address inside this machine or network, which is not fetched from",
                hint="if that is meant, set allow_private_addresses = true under [documents] in ragraft.toml",
            )
        return addresses


class _TimedStream(httpcore.NetworkStream):
    """A connection whose every wait ends at the deadline."""

    def __init__(self, stream: httpcore.NetworkStream, deadline: float) -> None:
        self._stream = stream
        self._deadline = deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, _left(self._deadline))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, _left(self._deadline))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        stream = self._stream.start_tls(ssl_context, server_hostname, _left(self._deadline))
        return _TimedStream(stream, self._deadline)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


def _left(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise httpcore.ReadTimeout
    return left


def _within(deadline: float, resolve: Callable[[], Sequence[str]]) -> Sequence[str]:
    """Return what `resolve` returns; the system's resolver knows no time limit, so it runs beside us."""
    answer: SimpleQueue[Sequence[str] | Exception] = SimpleQueue()

    def ask() -> None:
        try:
            answer.put(resolve())
        except (OSError, UnicodeError) as error:
            answer.put(error)

    threading.Thread(target=ask, daemon=True, name="ragraft-resolve").start()
    try:
        found = answer.get(timeout=_left(deadline))
    except Empty:
        raise httpcore.ConnectTimeout("its name could not be looked up in time") from None
    if isinstance(found, Exception):
        raise httpcore.ConnectError(f"its name could not be looked up: {found}") from found
    return found
