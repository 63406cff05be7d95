"""Talking to a model's HTTP endpoint: time limits, retries, and errors that say what to change."""

from __future__ import annotations

import json
import time
import weakref
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from email.utils import parsedate_to_datetime
from typing import Any, TypeVar

import httpx

from ragraft.errors import ModelError, ModelTimeoutError

__all__ = ["Endpoint", "RejectedError", "TransientError"]

Result = TypeVar("Result")

ATTEMPTS = 4
FIRST_WAIT = 0.5
LONGEST_WAIT = 60.0
CONNECT_SECONDS = 10.0
LONGEST_ANSWER = 64 * 1024 * 1024
LONGEST_EXCERPT = 300
TRANSIENT = frozenset({408, 425, 429, 500, 502, 503, 504, 529})
TOO_LONG_HINTS = {"model": "lower [model] window to the context length that the endpoint has"}
TOO_LONG = (
    "context length",
    "context_length",
    "context window",
    "maximum context",
    "too long",
    "too many tokens",
)


class TransientError(ModelError):
    """A failure that may not happen again; `after` is how many seconds to wait, if the server said so."""

    def __init__(self, message: str, *, after: float | None = None) -> None:
        super().__init__(message, hint="try again later; the endpoint was asked more than once")
        self.after = after


class RejectedError(ModelError):
    """The endpoint refused the request as it is; `said` is its reason."""

    def __init__(self, message: str, *, said: str, hint: str) -> None:
        super().__init__(message, hint=hint)
        self.said = said


class Endpoint:
    """One address with one key; safe to share among threads.

    `section` is the table of ragraft.toml that error messages send the reader to. The key is in no
    message, nor in the repr, and goes to no other host: redirects are not followed.
    """

    def __init__(
        self, *, url: str, key: str | None, section: str, timeout: float, first_wait: float = FIRST_WAIT
    ) -> None:
        """Check the key and the address; nothing is sent yet.

        Raises: ModelError if the address or the key cannot be used.
        """
        self._key = key
        self._section = section
        self._timeout = timeout
        self._first_wait = first_wait
        headers = {"Content-Type": "application/json"}
        if key:
            if not (key.isascii() and key.isprintable()) or " " in key:
                raise ModelError(
                    "the key has a space, a line break or another character that no key has",
                    hint=f"check [{section}] key",
                )
            headers["Authorization"] = f"Bearer {key}"
        try:
            self._base = httpx.URL(url)
        except httpx.InvalidURL as error:
            raise ModelError(f"the address cannot be used: {error}", hint=f"check [{section}] url") from None
        self._place = str(self._base.copy_with(userinfo=b"", query=None))
        if self._base.scheme not in ("http", "https") or not self._base.host:
            raise ModelError(f"{self._place} is no http address", hint=f"check [{section}] url")
        limits = httpx.Timeout(timeout, connect=min(CONNECT_SECONDS, timeout))
        self._client = httpx.Client(headers=headers, timeout=limits, follow_redirects=False)
        weakref.finalize(self, self._client.close)

    def __repr__(self) -> str:
        return f"Endpoint({self._place!r})"

    def post(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Send `body` as JSON and return the JSON object that comes back.

        Raises: ModelTimeoutError, RejectedError, ModelError.
        """
        return self.exchange(path, body, lambda chunks: self.parse(b"".join(chunks)))

    def parse(self, content: bytes) -> dict[str, Any]:
        """Return the JSON object in `content`.

        Raises: ModelError if it is not one.
        """
        try:
            found = json.loads(content)
        except (ValueError, RecursionError):
            found = None
        if not isinstance(found, dict):
            excerpt = self.redact(content.decode("utf-8", "replace"))[:80]
            raise ModelError(f"{self._place} did not answer with a JSON object but with {excerpt!r}")
        return found

    def exchange(
        self, path: str, body: Mapping[str, Any], read: Callable[[Iterator[bytes]], Result]
    ) -> Result:
        """Send `body` as JSON and return what `read` makes of the bytes that come back.

        Busy and failing servers are asked up to 4 times, after 0.5, 1 and 2 s or when Retry-After says.
        A TransientError out of `read` counts as such a failure; a timeout does not: it was long enough.

        Raises: ModelTimeoutError, RejectedError, ModelError.
        """
        for attempt in range(1, ATTEMPTS + 1):
            try:
                return self._exchange_once(path, body, read)
            except TransientError as error:
                wait = self._first_wait * 2 ** (attempt - 1) if error.after is None else error.after
                if attempt == ATTEMPTS or wait > LONGEST_WAIT:
                    raise
                time.sleep(wait)
        raise AssertionError("the last attempt returns or raises")

    def _exchange_once(
        self, path: str, body: Mapping[str, Any], read: Callable[[Iterator[bytes]], Result]
    ) -> Result:
        deadline = time.monotonic() + self._timeout
        root = self._base.path.rstrip("/")
        url = self._base.copy_with(path=root if root.endswith(path) else root + path)
        with self._faults_named():
            with self._client.stream("POST", url, content=json.dumps(body).encode()) as response:
                chunks = self._bounded(response, deadline)
                if not response.is_success:
                    raise self._failure(response, b"".join(chunks))
                return read(chunks)

    def _bounded(self, response: httpx.Response, deadline: float) -> Iterator[bytes]:
        """Yield the body, as long as it keeps to the limits of size and time."""
        size = 0
        with self._faults_named():
            for chunk in response.iter_bytes():
                size += len(chunk)
                if size > LONGEST_ANSWER:
                    raise ModelError(f"{self._place} sent more than {LONGEST_ANSWER >> 20} MB in one answer")
                if time.monotonic() > deadline:
                    raise self._timed_out()
                yield chunk

    @contextmanager
    def _faults_named(self) -> Iterator[None]:
        """Turn what goes wrong with the connection into our errors."""
        try:
            yield
        except (httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            raise TransientError(f"{self._place} cannot be reached: no connection in time") from error
        except httpx.TimeoutException as error:
            raise self._timed_out() from error
        except httpx.RequestError as error:
            why = self.redact(str(error)) or type(error).__name__
            raise TransientError(f"the connection to {self._place} failed: {why}") from error

    def _timed_out(self) -> ModelTimeoutError:
        return ModelTimeoutError(
            f"{self._place} gave no whole answer within {self._timeout:g} s",
            hint=f"raise [{self._section}] timeout, or ask for less",
        )

    def _failure(self, response: httpx.Response, content: bytes) -> ModelError:
        status, section = response.status_code, self._section
        said = _shorten(_message(self.redact(content.decode("utf-8", "replace"))))
        what = f"{self._place} answered {status}" + (f": {said}" if said else "")
        if status in TRANSIENT:
            return TransientError(what, after=_retry_after(response))
        if response.has_redirect_location:
            target = _shorten(self.redact(response.headers["Location"]))
            what = f"{self._place} redirects to {target}, which is not followed"
            hint = f"set [{section}] url to the final address"
        elif status in (401, 403):
            hint = f"check [{section}] key, or RAGRAFT_{section.upper()}_KEY"
        elif status in (404, 405):
            hint = f"check [{section}] url (it usually ends in /v1) and [{section}] name"
        elif status == 413 or any(phrase in said.lower() for phrase in TOO_LONG):
            hint = TOO_LONG_HINTS.get(section, "lower [documents] chunk_tokens")
        else:
            hint = f"check [{section}] in ragraft.toml against what the endpoint offers"
        return RejectedError(what, said=said, hint=hint)

    def redact(self, text: str) -> str:
        """Return `text` with stars for the key, which some servers repeat in their errors."""
        return text.replace(self._key, "***") if self._key else text


def _message(text: str) -> str:
    """Return what an error's body says: OpenAI's form, vLLM's, FastAPI's, or plain text."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return text
    for key in ("error", "message", "detail"):
        if isinstance(found, dict) and key in found:
            found = found[key]
    return found if isinstance(found, str) else json.dumps(found)


def _shorten(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= LONGEST_EXCERPT else f"{line[:LONGEST_EXCERPT]}..."


def _retry_after(response: httpx.Response) -> float | None:
    """Return the seconds that Retry-After asks for, in either of its two forms."""
    value = response.headers.get("Retry-After", "")
    try:
        return max(0.0, float(value))
    except ValueError:
        pass
    try:
        return max(0.0, parsedate_to_datetime(value).timestamp() - time.time())
    except ValueError:
        return None
