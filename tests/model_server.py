"""A real HTTP server on loopback that answers as model endpoints do, and misbehaves when told to."""

from __future__ import annotations

import json
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from ragraft.models.fake import FakeChatModel, FakeEmbedder, FakeReranker
from ragraft.types import Message

Fault = Callable[["Handler"], None]


@dataclass(frozen=True, slots=True)
class Asked:
    """One request as it arrived."""

    path: str
    headers: dict[str, str]
    body: dict[str, Any]


class ModelServer:
    """`requests` is what was asked so far; each of `faults` answers one request in place of the model."""

    def __init__(self, chat: FakeChatModel | None = None) -> None:
        self.requests: list[Asked] = []
        self.faults: deque[Fault] = deque()
        self.ended = threading.Event()
        self.chat = chat or FakeChatModel()
        self.url = ""


@contextmanager
def model_server(*, chat: FakeChatModel | None = None) -> Iterator[ModelServer]:
    """Serve on a free port of 127.0.0.1 until the block ends."""
    served = ModelServer(chat)
    http = ThreadingHTTPServer(("127.0.0.1", 0), type("BoundHandler", (Handler,), {"served": served}))
    served.url = f"http://127.0.0.1:{http.server_address[1]}/v1"
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield served
    finally:
        served.ended.set()
        http.shutdown()
        thread.join()
        http.server_close()


class Handler(BaseHTTPRequestHandler):
    """Answers as the fake models do, in the forms of OpenAI and Cohere."""

    protocol_version = "HTTP/1.1"
    timeout = 10
    served: ModelServer

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.served.requests.append(Asked(self.path, dict(self.headers), body))
        try:
            if self.served.faults:
                self.served.faults.popleft()(self)
            else:
                self._answer(body)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True  # the client gave up, as some tests want it to

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name in the library
        """Print nothing."""

    def send(
        self, content: bytes, *, status: int = 200, kind: str = "application/json", **headers: str
    ) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(content)

    def _answer(self, body: dict[str, Any]) -> None:
        if self.path == "/v1/embeddings":
            # Twice the unit length and in reverse order, which the form allows.
            vectors = FakeEmbedder(dimensions=body.get("dimensions", 64)).embed(body["input"]) * 2
            items = [{"index": n, "embedding": row.tolist()} for n, row in enumerate(vectors)]
            self.send(json.dumps({"data": items[::-1]}).encode())
        elif self.path == "/v1/rerank":
            scores = FakeReranker().rerank(body["query"], body["documents"])
            results = [{"index": n, "relevance_score": score} for n, score in enumerate(scores)]
            results.sort(key=lambda item: -item["relevance_score"])
            self.send(json.dumps({"results": results}).encode())
        elif self.path == "/v1/chat/completions":
            self._chat(body)
        else:
            self.send(b'{"error": {"message": "no such path"}}', status=404)

    def _chat(self, body: dict[str, Any]) -> None:
        messages = [Message(turn["role"], turn["content"]) for turn in body["messages"]]
        pieces: list[str] = []
        done = self.served.chat.generate(messages, max_tokens=body["max_tokens"], on_text=pieces.append)
        usage = {
            "prompt_tokens": done.usage.prompt_tokens,
            "completion_tokens": done.usage.completion_tokens,
        }
        if not body.get("stream"):
            message = {"role": "assistant", "content": done.text}
            choices = [{"index": 0, "message": message, "finish_reason": done.finish}]
            self.send(json.dumps({"choices": choices, "usage": usage}).encode())
            return
        events = [chat_event(piece) for piece in pieces] + [chat_event(None, finish=done.finish)]
        if body.get("stream_options", {}).get("include_usage"):
            events.append({"choices": [], "usage": usage})
        self.send(b"".join(map(sse, events)) + b"data: [DONE]\n\n", kind="text/event-stream")


def chat_event(text: str | None, *, finish: str | None = None) -> dict[str, Any]:
    return {"choices": [{"index": 0, "delta": {"content": text}, "finish_reason": finish}]}


def sse(event: dict[str, Any]) -> bytes:
    return b"data: " + json.dumps(event).encode() + b"\n\n"


def answers(content: bytes | dict[str, Any], *, status: int = 200, **headers: str) -> Fault:
    """Answer with these bytes, or with this object as JSON."""
    encoded = content if isinstance(content, bytes) else json.dumps(content).encode()
    return lambda handler: handler.send(encoded, status=status, **headers)


def fails(status: int, message: str = "", **headers: str) -> Fault:
    """Answer with a status and OpenAI's form of an error."""
    return answers({"error": {"message": message}}, status=status, **headers)


def hangs(handler: Handler) -> None:
    """Answer nothing until the test is over."""
    handler.served.ended.wait(10)
    handler.close_connection = True


def hangs_up(handler: Handler) -> None:
    """Close the connection without a word."""
    handler.close_connection = True


def cut_short(content: bytes) -> Fault:
    """Send the beginning of an answer that was announced to be longer, then close."""

    def fault(handler: Handler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Type", "text/event-stream")
        handler.send_header("Content-Length", str(len(content) + 100))
        handler.end_headers()
        handler.wfile.write(content)
        handler.close_connection = True

    return fault


def drips(handler: Handler) -> None:
    """Send a comment ten times a second, for ever."""
    handler.send_response(200)
    handler.send_header("Content-Type", "text/event-stream")
    handler.send_header("Connection", "close")
    handler.end_headers()
    handler.close_connection = True
    while not handler.served.ended.wait(0.1):
        handler.wfile.write(b": still thinking\n\n")


def endless(handler: Handler) -> None:
    """Send a body without end."""
    handler.send_response(200)
    handler.send_header("Connection", "close")
    handler.end_headers()
    handler.close_connection = True
    while not handler.served.ended.is_set():
        handler.wfile.write(b" " * (1 << 20))
