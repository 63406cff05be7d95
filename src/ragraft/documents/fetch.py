"""Fetches one address within limits of time, size and place."""

from __future__ import annotations

import ssl
import time
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import Message
from functools import lru_cache
from importlib.metadata import version
from urllib.parse import unquote

import certifi
import httpcore
import httpx

from ragraft.documents.network import CheckedNetwork, Resolve, system_resolve
from ragraft.errors import FetchError

__all__ = ["Fetched", "fetch"]

_MAX_REDIRECTS = 5
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_ENCODINGS = frozenset({"", "identity", "gzip", "deflate"})
_WHY = {
    401: "asks for a login",
    403: "refuses access",
    404: "does not exist",
    407: "asks for a proxy login",
    410: "is gone",
    429: "has had too many requests",
}


@dataclass(frozen=True, slots=True)
class Fetched:
    """What an address gave. `media_type` is the header as sent, with its charset.

    `name` is what the server calls the file, else the last part of the path, else the host. It is the
    server's word: good for a title and a format, not for deciding who may read.
    """

    content: bytes
    media_type: str
    final_url: str
    name: str
    etag: str = ""


def fetch(
    url: str,
    *,
    max_bytes: int,
    timeout: float,
    allow_private: bool = False,
    resolve: Resolve = system_resolve,
    connect: httpcore.NetworkBackend | None = None,
) -> Fetched:
    """Return what a GET of an http or https address gives, following at most five redirects.

    `timeout` counts in seconds for everything together: looking up the name, connecting, redirects,
    reading. `max_bytes` counts after decompression. Proxies of the environment are not used: behind a
    proxy the address could not be checked. `resolve` and `connect` replace the network in tests.

    Raises: FetchError with the reason.
    """
    network = CheckedNetwork(
        deadline=time.monotonic() + timeout,
        allow_private=allow_private,
        resolve=resolve,
        connect=connect or httpcore.SyncBackend(),
    )
    target = _checked_url(url)
    with httpcore.ConnectionPool(ssl_context=_trusted(), network_backend=network, max_connections=1) as pool:
        for _ in range(_MAX_REDIRECTS + 1):
            try:
                found = _get(pool, target, max_bytes=max_bytes)
            except (httpcore.TimeoutException, TimeoutError) as error:
                raise _failed(target, f"took longer than {timeout:g} seconds") from error
            except (httpcore.NetworkError, httpcore.ProtocolError, httpx.DecodingError, OSError) as error:
                raise _failed(target, f"could not be read: {_words(error)}") from error
            if isinstance(found, Fetched):
                return found
            target = _checked_url(str(target.join(found)))
    raise _failed(target, f"redirects more than {_MAX_REDIRECTS} times")


def _get(pool: httpcore.ConnectionPool, url: httpx.URL, *, max_bytes: int) -> Fetched | str:
    """Return what the address gives, or where it redirects to."""
    headers = [
        ("Host", url.netloc.decode("ascii")),
        ("User-Agent", f"ragraft/{version('ragraft')}"),
        ("Accept", "text/html, application/pdf, text/*;q=0.9, */*;q=0.5"),
        ("Accept-Encoding", "gzip, deflate"),
        ("Connection", "close"),
    ]
    with pool.stream("GET", str(url), headers=headers) as raw:
        answer = httpx.Response(raw.status, headers=raw.headers, content=raw.iter_stream())
        location = answer.headers.get("location", "")
        if answer.status_code in _REDIRECTS and location:
            return str(location)
        _check_answer(url, answer)
        content = b"".join(_limited(url, answer, max_bytes))
    return Fetched(
        content,
        answer.headers.get("content-type", ""),
        str(url),
        _name(url, answer.headers.get("content-disposition", "")),
        answer.headers.get("etag", ""),
    )


def _check_answer(url: httpx.URL, answer: httpx.Response) -> None:
    if answer.status_code != 200:
        why = _WHY.get(answer.status_code, "cannot be served")
        raise _failed(url, f"{why} (HTTP {answer.status_code})")
    encoding = answer.headers.get("content-encoding", "").strip().lower()
    if encoding not in _ENCODINGS:
        raise _failed(url, f"comes in the encoding {encoding!r}, which was not asked for")


def _limited(url: httpx.URL, answer: httpx.Response, max_bytes: int) -> Iterator[bytes]:
    """Yield the decompressed content, and fail as soon as it is too much."""
    too_large = FetchError(
        f"{url} is too large: more than {max_bytes:,} bytes",
        hint="raise max_bytes under [documents] in ragraft.toml",
    )
    announced = answer.headers.get("content-length", "")
    if announced.isdecimal() and int(announced) > max_bytes:
        raise too_large
    received = 0
    for piece in answer.iter_bytes():
        received += len(piece)
        if received > max_bytes:
            raise too_large
        yield piece


def _checked_url(text: str) -> httpx.URL:
    """Return a URL without its fragment. Raises: FetchError if it is not one to fetch."""
    try:
        url = httpx.URL(text)
    except (httpx.InvalidURL, ValueError) as error:
        raise FetchError("is not a valid address", hint="give one that begins with https://") from error
    if url.scheme not in {"http", "https"} or not url.host:
        raise FetchError(
            f"{url.scheme or 'nothing'} is not a way ragraft fetches by",
            hint="give an address that begins with https://",
        )
    if url.userinfo:
        # The message must not repeat what it refuses.
        raise FetchError(
            f"the address at {url.host} has a name or password in it, which would be kept with the document",
            hint="leave out what stands before the @",
        )
    return url.copy_with(fragment=None)


def _name(url: httpx.URL, disposition: str) -> str:
    header = Message()
    header["Content-Disposition"] = disposition or "inline"
    said = header.get_filename() or unquote(url.path.rstrip("/")).rpartition("/")[2]
    # What a server calls a file must not walk through folders.
    name = said.replace("\\", "/").rpartition("/")[2].strip(". ")
    return "".join(char for char in name if char.isprintable()) or url.host


@lru_cache(maxsize=1)
def _trusted() -> ssl.SSLContext:
    """Return a context that trusts the usual authorities and those this system adds, such as a company's."""
    context = ssl.create_default_context(cafile=certifi.where())
    context.load_default_certs()
    return context


def _failed(url: httpx.URL, why: str) -> FetchError:
    return FetchError(f"{url.copy_with(query=None)} {why}")


def _words(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__
