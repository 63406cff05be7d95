"""Reading an OpenAI-compatible chat completion, whole or as server-sent events."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from ragraft.errors import ModelError
from ragraft.models.transport import Endpoint, TransientError

__all__ = ["Reply", "read_reply", "read_stream"]

LONGEST_LINE = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Counted:
    """The tokens that an endpoint counted, None where it gave no number; `cached` are part of `prompt`."""

    prompt: int | None = None
    completion: int | None = None
    cached: int | None = None

    def then(self, later: Counted) -> Counted:
        """Return the later numbers, and these where it has none or 0, as events before the last may."""
        return Counted(
            later.prompt or self.prompt, later.completion or self.completion, later.cached or self.cached
        )


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back."""

    text: str
    finish: Literal["stop", "length"]
    counted: Counted


def read_reply(answer: Mapping[str, Any]) -> Reply:
    """Return the reply in a whole answer.

    Raises: ModelError if it does not have the form of a chat completion.
    """
    choice = _choice(answer)
    message = choice.get("message") if choice else None
    if choice is None or not isinstance(message, dict):
        raise ModelError("the endpoint's answer has no choices[0].message")
    return Reply(_text(message), _finish(choice) or "stop", _counted(answer))


def read_stream(chunks: Iterator[bytes], *, endpoint: Endpoint, on_text: Callable[[str], None]) -> Reply:
    """Return the reply of a stream of events, giving `on_text` each piece as it comes.

    Raises: ModelError if an event is malformed, tells of an error, or the stream ends before the reply
    does; TransientError, which may be retried, only if no piece has been passed on yet.
    """
    pieces: list[str] = []
    finish: Literal["stop", "length"] | None = None
    counted = Counted()
    try:
        for content in _events(chunks):
            event = endpoint.parse(content)
            if "error" in event:
                raise ModelError(
                    f"the endpoint failed while answering: {endpoint.redact(str(event['error']))}"
                )
            counted = counted.then(_counted(event))
            choice = _choice(event)
            if choice is None:  # the event that carries the usage
                continue
            finish = _finish(choice) or finish
            if piece := _text(choice.get("delta")):
                pieces.append(piece)
                on_text(piece)
        if finish is None:
            raise TransientError("the stream broke off")
    except TransientError as error:
        if pieces:
            raise ModelError(
                f"the endpoint's answer broke off after {len(''.join(pieces))} characters",
                hint="ask again",
            ) from error
        raise
    return Reply("".join(pieces), finish, counted)


def _events(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """Yield the data of each event until [DONE]; comments and other fields are passed over."""
    for line in _lines(chunks):
        if line.startswith(b"data:"):
            content = line.removeprefix(b"data:").strip()
            if content == b"[DONE]":
                return
            yield content


def _lines(chunks: Iterator[bytes]) -> Iterator[bytes]:
    pending = b""
    for chunk in chunks:
        *lines, pending = (pending + chunk).split(b"\n")
        if len(pending) > LONGEST_LINE:
            raise ModelError("the endpoint sent a line of more than 1 MB")
        yield from lines
    yield pending


def _choice(answer: Mapping[str, Any]) -> dict[str, Any] | None:
    choices = answer.get("choices")
    first = choices[0] if isinstance(choices, list) and choices else None
    return first if isinstance(first, dict) else None


def _text(message: object) -> str:
    """Return the text of a message or a piece of one; a piece may have none."""
    content = message.get("content") if isinstance(message, dict) else None
    if content is None or isinstance(content, str):
        return content or ""
    raise ModelError("the endpoint's answer is not text")


def _finish(choice: Mapping[str, Any]) -> Literal["stop", "length"] | None:
    reason = choice.get("finish_reason")
    if reason == "content_filter":
        raise ModelError("the endpoint's content filter withheld the answer")
    if reason is None:
        return None
    return "length" if reason == "length" else "stop"


def _counted(answer: Mapping[str, Any]) -> Counted:
    usage = answer.get("usage")
    if not isinstance(usage, dict):
        return Counted()
    details = usage.get("prompt_tokens_details")
    cached = details.get("cached_tokens") if isinstance(details, dict) else None
    return Counted(*map(_number, (usage.get("prompt_tokens"), usage.get("completion_tokens"), cached)))


def _number(value: object) -> int | None:
    return value if isinstance(value, int) and value >= 0 else None
